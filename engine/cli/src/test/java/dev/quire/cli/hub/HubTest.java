package dev.quire.cli.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a server that speaks the hub's API, and from one that misbehaves. */
class HubTest {
  private static final int PART = 1000;

  @TempDir Path cache;
  private HttpServer server;
  private HttpServer storage;
  private final byte[] content = new byte[10_500];
  private final AtomicInteger breaks = new AtomicInteger();
  private final AtomicLong sent = new AtomicLong();
  private final Map<String, String> storageHeaders = new ConcurrentHashMap<>();
  private String announcedHash = "";
  private long announcedSize;

  @BeforeEach
  void start() throws Exception {
    new Random(4).nextBytes(content);
    announcedHash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    announcedSize = content.length;
    storage = listen();
    storage.createContext("/content", this::content);
    server = listen();
    server.createContext("/api/models/me/tiny", this::list);
    server.createContext("/me/tiny/resolve/", this::redirect);
  }

  private static HttpServer listen() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
    return server;
  }

  @AfterEach
  void stop() {
    server.stop(0);
    storage.stop(0);
  }

  private void list(HttpExchange exchange) throws IOException {
    String json =
        """
        {"sha":"abc123","siblings":[
          {"rfilename":"tiny-Q4_K_M.gguf","size":%1$d,"lfs":{"size":%1$d,"sha256":"%2$s"}},
          {"rfilename":"tiny-Q8_0.gguf","size":%1$d,"lfs":{"size":%1$d,"sha256":"%2$s"}},
          {"rfilename":"README.md","size":3,"blobId":"0"}]}
        """
            .formatted(announcedSize, announcedHash);
    send(exchange, 200, json.getBytes(StandardCharsets.UTF_8));
  }

  private void redirect(HttpExchange exchange) throws IOException {
    if (!"Bearer secret".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
      send(exchange, 401, new byte[0]);
      return;
    }
    exchange
        .getResponseHeaders()
        .add("Location", "http://127.0.0.1:" + storage.getAddress().getPort() + "/content");
    send(exchange, 302, new byte[0]);
  }

  private void content(HttpExchange exchange) throws IOException {
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    storageHeaders.put("authorization", authorization == null ? "none" : authorization);
    String[] range =
        exchange.getRequestHeaders().getFirst("Range").substring("bytes=".length()).split("-", -1);
    int from = Integer.parseInt(range[0]);
    int to = Math.min(content.length - 1, Integer.parseInt(range[1]));
    byte[] part = Arrays.copyOfRange(content, from, to + 1);
    sent.addAndGet(part.length);
    if (breaks.getAndDecrement() > 0) {
      exchange.sendResponseHeaders(206, part.length);
      OutputStream out = exchange.getResponseBody();
      out.write(part, 0, part.length / 2);
      out.flush();
      exchange.close(); // with half of it unsent
      return;
    }
    send(exchange, 206, part);
  }

  private static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  private Path pull(String model, int attempts) throws IOException {
    URI endpoint = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    try (Hub hub = new Hub(new HubSettings(endpoint, "secret", cache, PART, attempts))) {
      return hub.pull(
          HubReference.parse(model),
          new Hub.Listener() {
            @Override
            public void file(String name, long bytes) {}

            @Override
            public void bytes(long count) {}
          });
    }
  }

  @Test
  void fetchesInPartsThroughARedirectWithoutGivingTheTokenAway() throws IOException {
    Path model = pull("hf:me/tiny:q8_0", 3);
    assertThat(model.getFileName()).hasToString("tiny-Q8_0.gguf");
    assertThat(Files.readAllBytes(model)).isEqualTo(content);
    assertThat(model).hasParentRaw(cache.resolve("models--me--tiny/snapshots/abc123"));
    assertThat(cache.resolve("models--me--tiny/refs/main")).hasContent("abc123");
    assertThat(storageHeaders).containsEntry("authorization", "none");
    long once = sent.get();
    assertThat(once).isEqualTo(content.length);
    assertThat(pull("me/tiny:Q8_0", 3)).isEqualTo(model);
    assertThat(sent).hasValue(once);
  }

  @Test
  void theUsualQuantIsTakenUnasked() throws IOException {
    assertThat(pull("me/tiny", 3).getFileName()).hasToString("tiny-Q4_K_M.gguf");
    assertThatThrownBy(() -> pull("me/tiny:Q2_K", 3)).hasMessageContaining("tiny-Q8_0.gguf");
  }

  @Test
  void brokenConnectionsAreTakenUpAgain() throws IOException {
    breaks.set(5);
    assertThat(Files.readAllBytes(pull("me/tiny", 6))).isEqualTo(content);
  }

  @Test
  void whatWasFetchedIsNotFetchedAgain() throws IOException {
    breaks.set(1000);
    assertThatThrownBy(() -> pull("me/tiny", 1)).isInstanceOf(HubException.class);
    breaks.set(0);
    // Some parts of the next run come through before it breaks.
    pull("me/tiny", 1);
    Path blobs = cache.resolve("models--me--tiny/blobs");
    try (var files = Files.list(blobs)) {
      assertThat(files.map(f -> f.getFileName().toString()).toList())
          .isEqualTo(List.of(announcedHash));
    }
  }

  @Test
  void aWrongChecksumIsRefusedAndThrownAway() {
    announcedHash = "0".repeat(64);
    assertThatThrownBy(() -> pull("me/tiny", 3)).hasMessageContaining("checksum");
    assertThat(cache.resolve("models--me--tiny/blobs/" + announcedHash)).doesNotExist();
    assertThat(cache.resolve("models--me--tiny/blobs/" + announcedHash + ".incomplete"))
        .doesNotExist();
  }

  @Test
  void aWrongSizeIsRefused() {
    announcedSize = content.length + 500L;
    assertThatThrownBy(() -> pull("me/tiny", 2)).isInstanceOf(HubException.class);
  }

  @Test
  void unknownModelsAndNamesAreSaid() {
    assertThatThrownBy(() -> pull("me/other", 2)).hasMessageContaining("no such model");
    assertThatThrownBy(() -> HubReference.parse("../etc")).hasMessageContaining("owner/name");
  }
}
