package dev.quire.tests.clients;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The command line from the classes of this build, in a JVM of its own. */
final class CommandProcess implements AutoCloseable {
  private static final Pattern ADDRESS = Pattern.compile("(https?://[0-9.]+:\\d+)/v1");
  private static final int PATIENCE_SECONDS = 120;

  private final Path folder;
  private final Process process;

  private CommandProcess(Path folder, Process process) {
    this.folder = folder;
    this.process = process;
  }

  /**
   * @param folder the working folder, which takes what is written to {@code out} and {@code err}
   */
  static CommandProcess start(Path folder, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--add-exports=java.base/jdk.internal.vm=ALL-UNNAMED",
                "-Dquire.launched=true",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.quire.cli.Main"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile());
    builder.environment().putAll(environment);
    return new CommandProcess(folder, builder.start());
  }

  String out() throws IOException {
    return Files.readString(folder.resolve("out"));
  }

  String err() throws IOException {
    return Files.readString(folder.resolve("err"));
  }

  /** Where it serves, without {@code /v1}; waits until it says so. */
  String address() throws IOException, InterruptedException {
    for (int i = 0; i < PATIENCE_SECONDS * 20 && process.isAlive(); i++) {
      Matcher matcher = ADDRESS.matcher(err());
      if (matcher.find()) {
        return matcher.group(1);
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new AssertionError("did not serve: " + err());
  }

  /** Sends SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** Its exit code, once it has ended. */
  int end() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("hangs: " + err());
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
