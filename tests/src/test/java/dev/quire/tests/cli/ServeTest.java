package dev.quire.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server from the one jar, in which its libraries' files are merged. */
class ServeTest {
  private static final Pattern ADDRESS = Pattern.compile("(http://127[.]0[.]0[.]1:\\d+/v1)");

  @TempDir private Path folder;

  @Test
  void theJarServesAndStopsWhenTold() throws Exception {
    Launch launch = Launch.in(folder);
    Process process = launch.start("serve", "--port", "0");
    try {
      String address = awaitAddress(process);
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(address + "/completions"))
              .header("Content-Type", "application/json")
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      "{\"prompt\": \"ROMEO:\", \"max_tokens\": 4, \"temperature\": 0}"))
              .build();
      try (HttpClient client = HttpClient.newHttpClient()) {
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).contains("\"completion_tokens\":4");
      }
      new ProcessBuilder("kill", "-TERM", String.valueOf(process.pid())).start().waitFor();
      Launch.Outcome outcome = launch.end(process).exits(0).saysOnlyItsOwnLines();
      assertThat(outcome.out()).isEmpty();
      assertThat(outcome.err()).contains("stopping");
    } finally {
      process.destroyForcibly();
    }
  }

  private String awaitAddress(Process process) throws Exception {
    for (int i = 0; i < 3600 && process.isAlive(); i++) {
      Matcher matcher = ADDRESS.matcher(Files.readString(folder.resolve("err")));
      if (matcher.find()) {
        return matcher.group(1);
      }
      Thread.sleep(50);
    }
    throw new AssertionError("did not serve: " + Files.readString(folder.resolve("err")));
  }
}
