package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code kill -TERM} in the middle of a load: what runs finishes or gets an error, nothing hangs,
 * and the process ends with 0. For seconds in the usual build, a minute and more with {@code
 * -Psoak}.
 */
class TerminationTest {
  private static final boolean SOAK = Boolean.getBoolean("quire.soak");
  private static final int CLIENTS = SOAK ? 200 : 40;
  private static final Duration BEFORE = Duration.ofSeconds(SOAK ? 60 : 1);
  private static final int GRACE_SECONDS = 10;

  @TempDir private Path folder;

  @Test
  void whatRunsFinishesOrGetsAnError() throws Exception {
    try (var process =
        CommandProcess.start(
            folder,
            Map.of(),
            "serve",
            "--port",
            "0",
            "--num-kv-blocks",
            "512",
            "--shutdown-grace",
            String.valueOf(GRACE_SECONDS))) {
      var load = new LoadClient(process.address());
      Thread clients = Thread.ofPlatform().start(() -> load.run(CLIENTS, Duration.ofHours(1)));
      TimeUnit.SECONDS.sleep(BEFORE.toSeconds());
      for (int i = 0; i < 1200 && load.finished.get() < CLIENTS; i++) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
      int before = load.finished.get();
      assertThat(before).as("streams finished before the signal").isPositive();

      load.stop();
      process.terminate();
      assertThat(process.end()).isZero();
      clients.join(Duration.ofSeconds(20));
      assertThat(clients.isAlive()).as("a client that hangs").isFalse();
      // A client that is about to ask finds the door closed; one that was being answered does not.
      assertThat(load.surprises())
          .allSatisfy(what -> assertThat(what).containsAnyOf("ConnectException", "header parser"));
      assertThat(load.finished.get()).as("streams that ended in spite of it").isGreaterThan(before);
      assertThat(process.err()).contains("stopping");
    }
  }
}
