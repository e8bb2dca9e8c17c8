package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command line answers without loading a model of size. */
class CommandLineTest {
  private record Outcome(int exitCode, String out, String err) {}

  private static Outcome run(String stdin, String... args) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exitCode =
        CommandLineRunner.run(
            new Console(
                new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Terminals.NONE),
            args);
    return new Outcome(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "run",
        "chat",
        "serve",
        "bench",
        "inspect",
        "synth",
        "quantize",
        "perplexity",
        "logits",
        "tokenize",
        "detokenize",
        "chat-template"
      })
  void everyCommandExplainsItself(String command) {
    Outcome outcome = run("", command, "--help");
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).contains("Usage: quire " + command);
  }

  @Test
  void severalOutputsAreNumberedAndBeamsHaveTheirScores() {
    Outcome samples = run("", "run", "-n", "4", "--samples", "3", "--ignore-eos", "ROMEO:");
    assertThat(samples.exitCode()).isZero();
    assertThat(samples.out()).contains("--- output 1 of 3\n", "--- output 3 of 3\n");
    Outcome beams =
        run("", "run", "-n", "4", "--beam-width", "3", "--samples", "2", "--ignore-eos", "ROMEO:");
    assertThat(beams.exitCode()).isZero();
    assertThat(beams.out()).containsPattern("--- output 2 of 2, score -\\d");
  }

  @Test
  void helpListsTheCommands() {
    assertThat(run("", "--help").out()).contains("run", "serve", "perplexity", "Exit codes");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "run --nonsense",
        "run -n 0 x",
        "run -n -2 x",
        "run --temp -1 x",
        "run --top-p 0 x",
        "run --block-size 0 x",
        "run --preemption sometimes x",
        "run --samples 3 --best-of 2 x",
        "run --beam-width 2 --samples 3 x",
        "run --beam-width 2 --early-stopping maybe x",
        "run --logit-bias 5=1000 x",
        "bench paper --seconds 0",
        "run --kv-cache-memory lots x",
        "run --device abacus x",
        "bench",
        "bench llama -p 0 -n 0",
        "serve --port 70000",
        "synth --type f16 out.gguf",
        "synth --arch no-such-shape out.gguf",
        "quantize in.gguf out.gguf --type q9",
        "quantize in.gguf out.gguf --type q8_1",
        "logits",
        "inspect",
        "inspect a.gguf -m b.gguf",
        "detokenize",
        "detokenize one"
      })
  void wrongUsageIsOneLineAndTwo(String line) {
    Outcome outcome = run("", line.isEmpty() ? new String[0] : line.split(" ", -1));
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).startsWith("quire: ").hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--top-p 2 | --top-p must be in (0, 1]; it is 2.0",
        "--repeat-penalty 0 | --repeat-penalty must be in (0, 100]; it is 0.0",
        "--temp -1 | --temp must be in [0, 100]; it is -1.0",
        "--beam-width 0 | --beam-width must be in [1, 256]; it is 0",
        "--samples 3 --best-of 2 | --best-of must be at least n, 3; it is 2",
        "--threads -1 | --threads must be at least 1, or 0 for every core; it is -1",
        "--kv-cache-dtype f8 | --kv-cache-dtype must be f32, f16, bf16, q8_0 or auto; it is f8",
        "--max-num-seqs 0 | --max-num-seqs must be in [1, 65536]; it is 0"
      })
  void aRefusedValueIsNamedByItsFlag(String flags, String message) {
    Outcome outcome = run("", ("run " + flags + " x").split(" ", -1));
    assertThat(outcome.err().strip()).isEqualTo("quire: " + message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16", "q8_0"})
  void onlyTheCpuHoldsKeysAndValuesInOtherTypesThanF16(String type) {
    Outcome outcome = run("", "run", "--device", "jvm", "--kv-cache-dtype", type, "x");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err())
        .contains("--kv-cache-dtype must be f16 or auto where the GPU's kernels compute")
        .contains("it is " + type);
  }

  @Test
  void anEmptyPromptIsWrongUsage() {
    assertThat(run("", "run", "").exitCode()).isEqualTo(2);
    assertThat(run("", "run").exitCode()).isEqualTo(2);
  }

  @Test
  void aGpuWithoutTornadoVmIsRefusedWithWhatIsMissing() {
    assumeThat(System.getenv("TORNADOVM_HOME")).as("an SDK that may be usable").isNull();
    Outcome outcome = run("", "run", "--device", "gpu", "x");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err())
        .containsOnlyOnce("--device gpu: TORNADOVM_HOME is not set; point it to TornadoVM's SDK");
  }

  @Test
  void theEmbeddedVocabularyServesWithoutAModel() {
    String ids = run("", "tokenize", "Good morrow, cousin.").out().strip();
    assertThat(ids).matches("\\[\\d+(, \\d+)+]");
    String[] each = ids.substring(1, ids.length() - 1).split(", ", -1);
    String[] command = new String[each.length + 1];
    command[0] = "detokenize";
    System.arraycopy(each, 0, command, 1, each.length);
    assertThat(run("", command).out()).isEqualTo("Good morrow, cousin.\n");
    assertThat(run(ids + "\n[]\n", "detokenize", "--jsonl").out())
        .isEqualTo("\"Good morrow, cousin.\"\n\"\"\n");
  }

  @Test
  void aChatTemplateComesFromTheModelOrFromAFile(@TempDir Path folder) throws IOException {
    String request = "{\"messages\": [{\"role\": \"user\", \"content\": \"Well?\"}]}\n";
    assertThat(run(request, "chat-template", "--jsonl").out()).contains("Well?");
    Path template = Files.writeString(folder.resolve("t.jinja"), "{{ messages[0].content }}!");
    assertThat(run(request, "chat-template", "--template", template.toString(), "--jsonl").out())
        .isEqualTo("{\"text\":\"Well?!\"}\n");
  }

  @Test
  void aFoldersTemplateIsTheFileElseTheFieldOfItsConfiguration(@TempDir Path folder)
      throws IOException {
    String request =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Well?\"}], \"bos_token\": \"\"}\n";
    String[] command = {"chat-template", "-m", folder.toString(), "--jsonl"};
    Outcome none = run(request, command);
    assertThat(none.exitCode()).isEqualTo(1);
    assertThat(none.err()).contains("no chat template").hasLineCount(1);
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(
        config,
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"no\"},"
            + " {\"name\": \"default\", \"template\": \"named {{ messages[0].content }}\"}]}");
    assertThat(run(request, command).out()).contains("named Well?");
    String withTools = request.replace("\"bos", "\"tools\": [], \"bos");
    assertThat(run(withTools, command).out()).contains("no");
    Files.writeString(config, "{\"chat_template\": \"plain {{ messages[0].content }}\"}");
    assertThat(run(request, command).out()).contains("plain Well?");
    Files.writeString(folder.resolve("chat_template.jinja"), "file {{ messages[0].content }}");
    assertThat(run(request, command).out()).contains("file Well?");
    assertThat(run(withTools, command).out()).contains("file Well?");
    Path named = Files.createDirectory(folder.resolve("additional_chat_templates"));
    Files.writeString(named.resolve("tool_use.jinja"), "tools {{ messages[0].content }}");
    assertThat(run(request, command).out()).contains("file Well?");
    assertThat(run(withTools, command).out()).contains("tools Well?");
    Files.writeString(config, "{");
    Files.delete(folder.resolve("chat_template.jinja"));
    assertThat(run(request, command).err()).contains("tokenizer_config.json").hasLineCount(1);
  }

  @Test
  void aMissingModelIsOneLineAndOne() {
    Outcome outcome = run("", "inspect", "no/such/model.gguf");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("no/such/model.gguf").hasLineCount(1);
  }

  @Test
  void theEmbeddedModelContinuesAText() {
    Outcome outcome = run("", "run", "-n", "8", "--temp", "0", "ROMEO:");
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out().strip()).isNotEmpty();
    assertThat(outcome.err()).contains("embedded model", "context: 512", "generated 8 tokens");
  }

  @Test
  void aPromptComesFromStdin() {
    Outcome piped = run("ROMEO:", "run", "-n", "8", "--temp", "0");
    assertThat(piped.out()).isEqualTo(run("", "run", "-n", "8", "--temp", "0", "ROMEO:").out());
  }

  @Test
  void aPromptOverTheContextIsRefused() {
    Outcome outcome = run("", "run", "word ".repeat(2000));
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err().lines().toList().getLast()).contains("512");
  }

  @Test
  void aPipedChatAnswersEachLine() {
    Outcome outcome = run("Good morrow.\n/stats\n/exit\nnever read\n", "chat", "-n", "8");
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).isNotEmpty();
    assertThat(outcome.err()).contains("32 blocks").contains("2 turns");
  }
}
