package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
        "run --kv-cache-memory lots x",
        "run --device abacus x",
        "bench",
        "bench llama -p 0 -n 0",
        "serve --port 70000",
        "synth --type f16 out.gguf",
        "synth --arch no-such-shape out.gguf",
        "logits",
        "tokenize",
        "chat-template --jsonl"
      })
  void wrongUsageIsOneLineAndTwo(String line) {
    Outcome outcome = run("", line.isEmpty() ? new String[0] : line.split(" ", -1));
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).startsWith("quire: ").hasLineCount(1);
  }

  @Test
  void anEmptyPromptIsWrongUsage() {
    assertThat(run("", "run", "").exitCode()).isEqualTo(2);
    assertThat(run("", "run").exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpu", "jvm"})
  void aDeviceWithoutExecutorIsRefused(String device) {
    Outcome outcome = run("", "run", "--device", device, "x");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err()).contains("--device " + device).hasLineCount(1);
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
    assertThat(outcome.err()).contains("1024 blocks").contains("2 turns");
  }
}
