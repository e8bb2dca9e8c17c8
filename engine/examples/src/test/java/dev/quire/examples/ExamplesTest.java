package dev.quire.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each example runs and says what it promises. */
class ExamplesTest {
  @TempDir private Path folder;

  private interface Program {
    void run();
  }

  private static String output(Program program) {
    PrintStream before = System.out;
    var caught = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(caught, true, StandardCharsets.UTF_8));
      program.run();
    } finally {
      System.setOut(before);
    }
    return caught.toString(StandardCharsets.UTF_8);
  }

  @Test
  void hello() {
    assertThat(output(Hello::main))
        .contains("one:", "streamed:")
        .containsPattern("cached: +[1-9]\\d* tokens");
  }

  @Test
  void aTypedAnswer() {
    assertThat(output(TypedAnswer::main).strip())
        .matches("\\{\\s*\"mood\":\\s*\"(merry|sad)\",\\s*\"age\":\\s*\\d+\\s*\\}");
  }

  @Test
  void anAssistant() {
    assertThat(output(Assistant::main))
        .contains("answer:", "again:")
        .containsPattern("dimensions: +\\d");
  }

  @Test
  void anOpenAiClient() {
    assertThat(output(OpenAiClient::main)).startsWith("bard:");
  }

  /**
   * With the engine's own dependencies alone, and without the vector module: the same answers, and
   * one line that says what is missing.
   */
  @Test
  void theEngineNeedsNothingElse() throws Exception {
    String path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(
                entry ->
                    !entry.matches(".*(langchain4j|openai|helidon|micrometer|engine.server).*"))
            .collect(Collectors.joining(File.pathSeparator));
    Path err = folder.resolve("err");
    Path out = folder.resolve("out");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx256m",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    path,
                    "dev.quire.examples.Hello"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(err);
    assertThat(process.exitValue()).as(said).isZero();
    assertThat(Files.readString(out)).contains("one:", "cached:");
    assertThat(said.lines().filter(line -> line.contains("jdk.incubator.vector")))
        .as(said)
        .hasSize(1);
  }
}
