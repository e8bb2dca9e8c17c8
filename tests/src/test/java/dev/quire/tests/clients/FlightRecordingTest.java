package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A flight recording that the command line was started with is in its file at the end. */
class FlightRecordingTest {
  private static final Map<String, String> RECORDING =
      Map.of("JDK_JAVA_OPTIONS", "-XX:StartFlightRecording:filename=run.jfr");

  @TempDir private Path folder;

  private List<RecordedEvent> events(String name) throws IOException {
    return RecordingFile.readAllEvents(folder.resolve("run.jfr")).stream()
        .filter(event -> event.getEventType().getName().equals(name))
        .toList();
  }

  @Test
  void ofAShortRun() throws Exception {
    try (var process =
        CommandProcess.start(
            folder, RECORDING, "run", "--device", "cpu", "--num-kv-blocks", "32", "-n", "4", "O")) {
      assertThat(process.end()).as(process.err()).isZero();
    }
    List<RecordedEvent> counts = events("dev.quire.KvCache");
    assertThat(counts).isNotEmpty();
    RecordedEvent last = counts.getLast();
    assertThat(last.getLong("usedBlocks") + last.getLong("freeBlocks")).isEqualTo(32);
  }

  @Test
  void ofAServerThatIsToldToStop() throws Exception {
    try (var process =
        CommandProcess.start(folder, RECORDING, "serve", "--device", "cpu", "--port", "0")) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(process.address() + "/v1/completions"))
              .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\":\"O\",\"max_tokens\":3}"))
              .build();
      try (HttpClient client = HttpClient.newHttpClient()) {
        assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode())
            .isEqualTo(200);
      }
      process.terminate();
      assertThat(process.end()).as(process.err()).isZero();
    }
    assertThat(events("dev.quire.KvCache")).isNotEmpty();
    assertThat(events("dev.quire.HttpRequest")).hasSize(1);
  }
}
