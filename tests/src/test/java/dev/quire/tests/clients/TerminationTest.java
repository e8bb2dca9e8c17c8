package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code kill -TERM} in the middle of a load: what runs finishes or gets an error, nothing hangs,
 * and the process ends with 0. For seconds in the usual build, a minute and more with {@code
 * -Psoak}.
 */
class TerminationTest {
  private static final Pattern ADDRESS = Pattern.compile("(http://127[.]0[.]0[.]1:\\d+)/v1");
  private static final boolean SOAK = Boolean.getBoolean("quire.soak");
  private static final int CLIENTS = SOAK ? 200 : 40;
  private static final Duration BEFORE = Duration.ofSeconds(SOAK ? 60 : 1);
  private static final int GRACE_SECONDS = 10;

  @TempDir private Path folder;

  @Test
  void whatRunsFinishesOrGetsAnError() throws Exception {
    Process process = serve();
    try {
      var load = new LoadClient(awaitAddress(process));
      Thread clients = Thread.ofPlatform().start(() -> load.run(CLIENTS, Duration.ofHours(1)));
      TimeUnit.SECONDS.sleep(BEFORE.toSeconds());
      for (int i = 0; i < 1200 && load.finished.get() < CLIENTS; i++) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
      int before = load.finished.get();
      assertThat(before).as("streams finished before the signal").isPositive();

      load.stop();
      process.destroy(); // SIGTERM
      assertThat(process.waitFor(GRACE_SECONDS + 30, TimeUnit.SECONDS)).as("ends").isTrue();
      clients.join(Duration.ofSeconds(20));
      assertThat(clients.isAlive()).as("a client that hangs").isFalse();

      assertThat(process.exitValue()).isZero();
      // A client that is about to ask finds the door closed; one that was being answered does not.
      assertThat(load.surprises())
          .allSatisfy(what -> assertThat(what).containsAnyOf("ConnectException", "header parser"));
      assertThat(load.finished.get()).as("streams that ended in spite of it").isGreaterThan(before);
      assertThat(Files.readString(folder.resolve("err"))).contains("stopping");
    } finally {
      process.destroyForcibly();
    }
  }

  /** The command line from the classes of this build, in a JVM of its own. */
  private Process serve() throws IOException {
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--add-exports=java.base/jdk.internal.vm=ALL-UNNAMED",
                "-Dquire.launched=true",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.quire.cli.Main",
                "serve",
                "--port",
                "0",
                "--num-kv-blocks",
                "512",
                "--shutdown-grace",
                String.valueOf(GRACE_SECONDS)))
        .directory(folder.toFile())
        .redirectOutput(folder.resolve("out").toFile())
        .redirectError(folder.resolve("err").toFile())
        .start();
  }

  private String awaitAddress(Process process) throws Exception {
    for (int i = 0; i < 1200 && process.isAlive(); i++) {
      Matcher matcher = ADDRESS.matcher(Files.readString(folder.resolve("err")));
      if (matcher.find()) {
        return matcher.group(1);
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new AssertionError("did not serve: " + Files.readString(folder.resolve("err")));
  }
}
