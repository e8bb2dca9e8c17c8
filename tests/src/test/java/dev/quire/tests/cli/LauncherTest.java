package dev.quire.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The runnable jar: which JVM it takes, and that nothing of it shows. */
class LauncherTest {
  private static final String[] RUN = {"run", "-n", "8", "--temp", "0", "ROMEO:"};

  /** Long enough that a signal meets it at work. */
  private static final String[] RUN_LONG = {"run", "-n", "-1", "--ignore-eos", "-s", "1", "ROMEO:"};

  @TempDir private Path folder;

  @Test
  void theJarRunsFromAnyFolderAndSaysNothingOfTheJvm() {
    Launch.Outcome outcome = Launch.in(folder).run(RUN).exits(0).saysOnlyItsOwnLines();
    assertThat(outcome.out()).isNotBlank().endsWith("\n").doesNotContain("quire:");
    assertThat(outcome.err()).contains("generated 8 tokens", "blocks", "first token after");
  }

  @Test
  void theJarOpensWhatDeviceJvmSwitchesWorkItemsBy() throws IOException {
    // Without it each work item is a thread, and a model takes ten times as long.
    try (JarFile jar = new JarFile(Launch.jar().toFile())) {
      assertThat(jar.getManifest().getMainAttributes().getValue("Add-Exports"))
          .contains("java.base/jdk.internal.vm");
    }
  }

  @Test
  void aFailureIsOneAndWrongUsageTwo() {
    Launch.Outcome failed = Launch.in(folder).run("inspect", "no-such.gguf").exits(1);
    assertThat(failed.out()).isEmpty();
    assertThat(failed.saysOnlyItsOwnLines().err()).contains("no-such.gguf").hasLineCount(1);
    Launch.Outcome wrong = Launch.in(folder).run("run", "-n", "0", "x").exits(2);
    assertThat(wrong.out()).isEmpty();
    assertThat(wrong.saysOnlyItsOwnLines().err()).contains("-n").hasLineCount(1);
  }

  @Test
  void stdinIsTheCommands() {
    Launch.Outcome outcome =
        Launch.in(folder).runWith("\"Good morrow\"\n\"\"\n", "tokenize", "--jsonl").exits(0);
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).matches("\\[\\d+(, \\d+)*]\n\\[]\n");
  }

  @Test
  void anOldJvmFindsANewerOneAndHandsEverythingOn() {
    Launch old = new Launch(Launch.oldJava(), folder);
    Launch.Outcome outcome = old.run(RUN).exits(0).saysOnlyItsOwnLines();
    assertThat(outcome.out()).isEqualTo(Launch.in(folder).run(RUN).out());
    old.runWith("\"a\"\nnonsense\n", "tokenize", "--jsonl").exits(1).saysOnlyItsOwnLines();
  }

  @Test
  void anOldJvmWithoutANewerOneSaysWhatToInstall() {
    // As where a launcher has searched already.
    Launch.Outcome outcome =
        new Launch(Launch.oldJava(), folder).flag("-Dquire.launched=true").run(RUN).exits(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).contains("needs Java 25 or later", "Install one").hasLineCount(1);
  }

  @Test
  void aNewerJvmIsRelayedWithoutItsLineOnIncubatorModules() {
    // A JVM that calls itself 26 and opens nothing: the module can be had on a command line alone.
    Launch newer = Launch.in(folder).flag("-Djava.specification.version=26").byMainClass();
    Launch.Outcome outcome = newer.run(RUN).exits(0).saysOnlyItsOwnLines();
    assertThat(outcome.out()).isEqualTo(Launch.in(folder).run(RUN).out());
    assertThat(outcome.err()).contains("vectors");
    newer.run("run", "-n", "0", "x").exits(2).saysOnlyItsOwnLines();
  }

  @ParameterizedTest
  @CsvSource({"TERM,143,here", "INT,130,here", "TERM,143,old", "TERM,143,relayed"})
  void aSignalStopsTheGenerationAndIsTheExitCode(String signal, int code, String how)
      throws Exception {
    Launch launch =
        switch (how) {
          case "old" -> new Launch(Launch.oldJava(), folder);
          case "relayed" -> Launch.in(folder).flag("-Djava.specification.version=26").byMainClass();
          default -> Launch.in(folder);
        };
    Process process = launch.start(RUN_LONG);
    awaitText(process, launch.out());
    assumeTrue(signal.equals("TERM") || !ignoresInterrupts(process), "started with SIGINT ignored");
    new ProcessBuilder("kill", "-" + signal, String.valueOf(process.pid())).start().waitFor();
    Launch.Outcome outcome = launch.end(process).exits(code).saysOnlyItsOwnLines();
    assertThat(outcome.err()).contains("generated");
  }

  @Test
  void aReaderThatLeavesEndsTheRun() throws Exception {
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                "QUIRE_CACHE=off \"$0\" -jar \"$1\" run -n -1 --ignore-eos ROMEO: 2>err | head -c"
                    + " 20",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                Launch.jar().toString())
            .directory(folder.toFile())
            .start();
    assertThat(process.getInputStream().readAllBytes()).hasSize(20);
    assertThat(process.waitFor(180, TimeUnit.SECONDS)).isTrue();
    assertThat(Files.readString(folder.resolve("err"))).doesNotContain("Exception");
  }

  private static void awaitText(Process process, Path out) throws Exception {
    for (int i = 0; Files.size(out) == 0 && process.isAlive() && i < 3600; i++) {
      Thread.sleep(50);
    }
    assertThat(Files.size(out)).as("bytes written before the signal").isPositive();
  }

  /** Shells start what they put into the background so. */
  private static boolean ignoresInterrupts(Process process) throws IOException {
    Path status = Path.of("/proc", String.valueOf(process.pid()), "status");
    if (!Files.isReadable(status)) {
      return false;
    }
    String text = new String(Files.readAllBytes(status), StandardCharsets.UTF_8);
    return text.lines()
        .filter(line -> line.startsWith("SigIgn:"))
        .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
  }
}
