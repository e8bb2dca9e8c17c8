package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.quire.engine.EmbeddedModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code -m hf:owner/name:QUANT}, from a hub on this machine to generated text. */
class HubModelTest {
  @TempDir private Path folder;
  private byte[] model = {};
  private HttpServer hub;
  private final AtomicInteger parts = new AtomicInteger();

  @BeforeEach
  void start() throws Exception {
    try (InputStream in =
        EmbeddedModel.class.getResourceAsStream("/dev/quire/model/default.gguf")) {
      model = Objects.requireNonNull(in).readAllBytes();
    }
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model));
    hub = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    hub.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    hub.createContext(
        "/api/models/me/tiny",
        exchange ->
            send(
                exchange,
                200,
                """
                {"sha":"abc123","siblings":[{"rfilename":"tiny-Q8_0.gguf","size":%1$d,
                  "lfs":{"size":%1$d,"sha256":"%2$s"}}]}
                """
                    .formatted(model.length, hash)
                    .getBytes(StandardCharsets.UTF_8)));
    hub.createContext("/me/tiny/resolve/", this::part);
    hub.start();
  }

  @AfterEach
  void stop() {
    hub.stop(0);
  }

  private void part(HttpExchange exchange) throws IOException {
    String[] range =
        exchange.getRequestHeaders().getFirst("Range").substring("bytes=".length()).split("-", 2);
    int to = Math.min(model.length - 1, Integer.parseInt(range[1]));
    byte[] part = Arrays.copyOfRange(model, Integer.parseInt(range[0]), to + 1);
    if (parts.getAndIncrement() == 0) {
      exchange.sendResponseHeaders(206, part.length);
      exchange.getResponseBody().write(part, 0, part.length / 2);
      exchange.getResponseBody().flush();
      exchange.close(); // the first connection breaks
      return;
    }
    send(exchange, 206, part);
  }

  private static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
    exchange.sendResponseHeaders(status, bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  private Map<String, String> environment() {
    return Map.of(
        "HF_ENDPOINT",
        "http://127.0.0.1:" + hub.getAddress().getPort(),
        "HF_HOME",
        folder.resolve("hf").toString());
  }

  @Test
  void aModelOfTheHubRunsAndServes() throws Exception {
    String[] run = {"run", "-m", "hf:me/tiny:Q8_0", "-n", "6", "--ignore-eos", "Once upon a time"};
    try (var first = CommandProcess.start(folder, environment(), run)) {
      assertThat(first.end()).as(first.err()).isZero();
      assertThat(first.out()).isNotBlank();
      assertThat(first.err()).contains("tiny-Q8_0.gguf");
    }
    assertThat(folder.resolve("hf/hub/models--me--tiny/snapshots/abc123/tiny-Q8_0.gguf"))
        .exists()
        .hasBinaryContent(model);
    int fetched = parts.get();
    Path keys = Files.writeString(folder.resolve("keys"), "# two of them\nfirst\n\nsecond\n");
    try (var server =
            CommandProcess.start(
                folder,
                environment(),
                "serve",
                "-m",
                "hf:me/tiny:Q8_0",
                "--port",
                "0",
                "--api-key-file",
                keys.toString());
        HttpClient client = HttpClient.newHttpClient()) {
      URI models = URI.create(server.address() + "/v1/models");
      assertThat(models.getHost()).isEqualTo("127.0.0.1");
      for (String key : new String[] {"first", "second", "# two of them", ""}) {
        HttpRequest request =
            HttpRequest.newBuilder(models).header("Authorization", "Bearer " + key).build();
        int status = client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
        assertThat(status).as(key).isEqualTo(key.matches("first|second") ? 200 : 401);
      }
    }
    assertThat(parts).as("what is in the cache is not fetched again").hasValue(fetched);
  }
}
