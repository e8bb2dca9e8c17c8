package dev.quire.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A way to start the built jar; streams go through files, so that no pipe can fill up. */
final class Launch {
  /** Above what any start takes on a busy machine: only a hang reaches it. */
  private static final long PATIENCE_SECONDS = 180;

  private final Path java;
  private final Path folder;
  private final List<String> flags = new ArrayList<>();
  private final Map<String, String> environment = new HashMap<>();
  private boolean mainClass;

  /** What came of a process. */
  record Outcome(int exitCode, String out, String err) {
    /** Nothing but our own lines: no warning of the JVM's, no stack trace. */
    Outcome saysOnlyItsOwnLines() {
      assertThat(err.lines()).allSatisfy(line -> assertThat(line).startsWith("quire: "));
      return this;
    }

    Outcome exits(int code) {
      assertThat(exitCode).as("exit code; stderr: %s", err).isEqualTo(code);
      return this;
    }
  }

  /**
   * @param folder the working folder
   */
  Launch(Path java, Path folder) {
    this.java = java;
    this.folder = folder;
    environment.put("QUIRE_CACHE", "off");
  }

  /** By the JVM of this test. */
  static Launch in(Path folder) {
    return new Launch(executable(Path.of(System.getProperty("java.home"))), folder);
  }

  static Path root() {
    return Path.of(System.getProperty("quire.root", "."));
  }

  /** The built jar; without one (a build that stops before packaging) the test is skipped. */
  static Path jar() {
    Path jar = root().resolve("engine/cli/target/quire.jar").toAbsolutePath();
    assumeTrue(Files.isRegularFile(jar), () -> jar + " is not there: mvn package makes it");
    return jar;
  }

  /** An installed runtime that is too old for Quire; the test is skipped where there is none. */
  static Path oldJava() {
    Optional<Path> old = Optional.empty();
    try (Stream<Path> homes = Files.list(Path.of("/usr/lib/jvm"))) {
      old = homes.filter(Launch::isOld).sorted().findFirst();
    } catch (IOException e) {
      // Another system: no runtime to try.
    }
    assumeTrue(old.isPresent(), "no Java 8 to 24 under /usr/lib/jvm");
    return executable(old.orElseThrow());
  }

  private static boolean isOld(Path home) {
    try (Stream<String> lines = Files.lines(home.resolve("release"))) {
      return Files.isExecutable(executable(home))
          && lines.anyMatch(line -> line.matches("JAVA_VERSION=\"(1[.]8|9|1\\d|2[0-4])\\b.*"));
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  private static Path executable(Path home) {
    return home.resolve("bin").resolve("java");
  }

  Launch flag(String flag) {
    flags.add(flag);
    return this;
  }

  /** Names the main class, not the jar: its manifest then opens nothing of the JDK. */
  Launch byMainClass() {
    mainClass = true;
    return this;
  }

  Launch environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  Launch withCache() {
    environment.remove("QUIRE_CACHE");
    return this;
  }

  /** Starts a command with its streams in files {@code out} and {@code err} of the folder. */
  Process start(String... arguments) {
    List<String> command = new ArrayList<>(List.of(java.toString()));
    command.addAll(flags);
    if (mainClass) {
      command.addAll(List.of("-cp", jar().toString(), "dev.quire.cli.launcher.Launcher"));
    } else {
      command.addAll(List.of("-jar", jar().toString()));
    }
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    // What the machine's user has set must not decide a test.
    for (String name :
        List.of("QUIRE_CACHE", "QUIRE_JAVA_OPTS", "XDG_CACHE_HOME", "JAVA_TOOL_OPTIONS")) {
      builder.environment().remove(name);
    }
    builder.environment().putAll(environment);
    builder.redirectOutput(out().toFile()).redirectError(err().toFile());
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a command to its end, with nothing on stdin. */
  Outcome run(String... arguments) {
    return runWith("", arguments);
  }

  /** Runs a command to its end. */
  Outcome runWith(String stdin, String... arguments) {
    Process process = start(arguments);
    try (var in = process.getOutputStream()) {
      in.write(stdin.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // It ended without reading all.
    }
    return end(process);
  }

  /** Waits for the end of a process that {@link #start} started. */
  Outcome end(Process process) {
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("hangs; stderr so far: " + Files.readString(err()));
      }
      return new Outcome(process.exitValue(), Files.readString(out()), Files.readString(err()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  Path out() {
    return folder.resolve("out");
  }

  private Path err() {
    return folder.resolve("err");
  }
}
