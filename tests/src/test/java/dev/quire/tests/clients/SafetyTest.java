package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.EngineOptions;
import dev.quire.server.ServerOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stranger may not do. */
class SafetyTest {
  private static final String ORIGIN = "https://friend.example";
  private static ServedModel served;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    served = ServedModel.start(List.of(ServedModel.KEY, "another-key"));
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    served.close();
  }

  private static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(served.url() + path));
  }

  private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<String> post(String path, String body) throws Exception {
    return send(
        request(path)
            .header("Authorization", "Bearer " + ServedModel.KEY)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private static int statusWith(String path, String authorization) throws Exception {
    return send(request(path).header("Authorization", authorization)).statusCode();
  }

  @Test
  void onlyAKeyOpens() throws Exception {
    for (String path : List.of("/v1/models", "/metrics", "/quire/cache", "/version")) {
      assertThat(send(request(path)).statusCode()).as(path).isEqualTo(401);
      for (String wrong :
          List.of(
              "",
              "Bearer",
              "Bearer ",
              "Bearer open-sesam",
              "Bearer open-sesame1",
              "Bearer OPEN-SESAME",
              "Basic open-sesame",
              "open-sesame")) {
        assertThat(statusWith(path, wrong)).as("%s with '%s'", path, wrong).isEqualTo(401);
      }
      assertThat(statusWith(path, "Bearer open-sesame")).as(path).isEqualTo(200);
      assertThat(statusWith(path, "bearer another-key")).as(path).isEqualTo(200);
    }
    assertThat(send(request("/health")).statusCode()).isEqualTo(200);
    assertThat(send(request("/")).statusCode()).isEqualTo(200);
  }

  @Test
  void pagesOfOthersHaveNoAccess() throws Exception {
    HttpResponse<String> answer = send(request("/health").header("Origin", ORIGIN));
    assertThat(answer.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    HttpResponse<String> preflight =
        send(
            request("/v1/models")
                .header("Origin", ORIGIN)
                .header("Access-Control-Request-Method", "POST")
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
    assertThat(preflight.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();

    ServerOptions open = ServedModel.options(List.of()).withTransport(List.of(ORIGIN), null);
    try (var friendly = new ServedModel(EngineOptions.builder().numKvBlocks(64), open)) {
      URI uri = URI.create(friendly.url() + "/v1/models");
      var known = send(HttpRequest.newBuilder(uri).header("Origin", ORIGIN));
      assertThat(known.headers().firstValue("Access-Control-Allow-Origin")).contains(ORIGIN);
      var asks =
          send(
              HttpRequest.newBuilder(uri)
                  .header("Origin", ORIGIN)
                  .header("Access-Control-Request-Method", "POST")
                  .header("Access-Control-Request-Headers", "authorization,x-stainless-os")
                  .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
      assertThat(asks.statusCode()).isEqualTo(204);
      assertThat(asks.headers().firstValue("Access-Control-Allow-Headers").orElse(""))
          .contains("x-stainless-os");
      var stranger = send(HttpRequest.newBuilder(uri).header("Origin", "https://else.example"));
      assertThat(stranger.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    }
  }

  @Test
  void bombsAreRefused() throws Exception {
    for (String bomb :
        List.of(
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            "{\"prompt\":\"x\",\"seed\":" + "9".repeat(1_000_000) + "}",
            "{\"prompt\":\"x\",\"temperature\":1e" + "9".repeat(1000) + "}",
            "{\"prompt\":\"x\",\"regex\":\"((((a{1,1000}){1,1000}){1,1000}){1,1000})\"}",
            "{\"prompt\":\"x\",\"regex\":\"" + "(".repeat(10_000) + "\"}",
            "{\"prompt\":\"x\",\"grammar\":\"root ::= root\"}",
            "{\"prompt\":\"x\",\"n\":1000000}",
            "{\"prompt\":\"" + "word ".repeat(200_000) + "\"}")) {
      HttpResponse<String> answer = post("/v1/completions", bomb);
      String shown = bomb.substring(0, Math.min(80, bomb.length()));
      assertThat(answer.statusCode()).as(shown).isIn(400, 413);
      assertThat(answer.body()).as(shown).contains("\"error\"");
    }
    HttpResponse<String> large = post("/v1/completions", " ".repeat(17 << 20));
    assertThat(large.statusCode()).isEqualTo(413);
    assertThat(post("/v1/completions", "{\"prompt\":\"x\",\"max_tokens\":1}").statusCode())
        .isEqualTo(200);
  }

  @Test
  void headersAreBounded() throws Exception {
    String many = "X-A: b\r\n".repeat(100_000);
    assertThat(raw("GET /health HTTP/1.1\r\nHost: x\r\n" + many + "\r\n")).startsWith("HTTP/1.1 4");
    String large = "X-A: " + "b".repeat(1 << 20) + "\r\n";
    assertThat(raw("GET /health HTTP/1.1\r\nHost: x\r\n" + large + "\r\n"))
        .startsWith("HTTP/1.1 4");
    assertThat(raw("GET /" + "a".repeat(1 << 20) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
        .startsWith("HTTP/1.1 4");
    assertThat(send(request("/health")).statusCode()).isEqualTo(200);
  }

  /**
   * The beginning of the answer to bytes as they are; "HTTP/1.1 4" where the server just hung up.
   */
  private static String raw(String text) {
    StringBuilder answer = new StringBuilder();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), served.server.port())) {
      socket.setSoTimeout(30_000);
      Thread writer =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
                    } catch (IOException e) {
                      // It need not read what it refuses.
                    }
                  });
      byte[] buffer = new byte[1024];
      int n = socket.getInputStream().read(buffer);
      answer.append(new String(buffer, 0, Math.max(0, n), StandardCharsets.UTF_8));
      socket.close();
      writer.join();
    } catch (java.net.SocketException e) {
      answer.append("HTTP/1.1 4 (reset)");
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
    return answer.isEmpty() ? "HTTP/1.1 4 (closed)" : answer.toString();
  }

  @Test
  void noPathLeadsToTheFileSystem() throws Exception {
    for (String path :
        List.of(
            "/page/../../../../../../etc/passwd",
            "/page/..%2f..%2f..%2f..%2fetc%2fpasswd",
            "/page/%2e%2e/%2e%2e/etc/passwd",
            "/page/....//....//etc/passwd",
            "/page//etc/passwd",
            "/page/package-info.class",
            "/page/",
            "/etc/passwd",
            "//etc/passwd",
            "/page/..%5c..%5cetc%5cpasswd",
            "/v1/models/..%2f..%2fetc%2fpasswd")) {
      String answer =
          raw(
              "GET "
                  + path
                  + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                  + ServedModel.KEY
                  + "\r\n\r\n");
      assertThat(answer).as(path).startsWith("HTTP/1.1 4").doesNotContain("root:");
    }
    for (String body :
        List.of(
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1,"
                + "\"chat_template\":\"{% include '/etc/passwd' %}\"}",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"{% include '/etc/passwd' %}\"}],"
                + "\"max_tokens\":1,\"chat_template_kwargs\":{\"messages\":\"x\"}}",
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                + "\"image_url\":{\"url\":\"file:///etc/passwd\"}}]}]}",
            "{\"model\":\"/etc/passwd\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}")) {
      HttpResponse<String> answer = post("/v1/chat/completions", body);
      assertThat(answer.statusCode() / 100).as(body).isIn(2, 4);
      assertThat(answer.body()).as(body).doesNotContain("root:");
    }
  }

  @Test
  void speaksTls(@TempDir Path folder) throws Exception {
    Path store = folder.resolve("server.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=127.0.0.1",
                "-ext",
                "SAN=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore keys = KeyStore.getInstance(store.toFile(), "changeit".toCharArray());
    Path certificate = folder.resolve("server.pem");
    Path key = folder.resolve("key.pem");
    pem(certificate, "CERTIFICATE", keys.getCertificate("server").getEncoded());
    pem(key, "PRIVATE KEY", keys.getKey("server", "changeit".toCharArray()).getEncoded());

    ServerOptions options =
        ServedModel.options(List.of())
            .withTransport(List.of(), new ServerOptions.Tls(certificate, key));
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, new char[0]);
    trusted.setCertificateEntry("server", keys.getCertificate("server"));
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    try (var secret = new ServedModel(EngineOptions.builder().numKvBlocks(64), options);
        HttpClient over = HttpClient.newBuilder().sslContext(context).build()) {
      String address = "https://127.0.0.1:" + secret.server.port();
      HttpResponse<String> answer =
          over.send(
              HttpRequest.newBuilder(URI.create(address + "/v1/completions"))
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          "{\"prompt\":\"ROMEO:\",\"max_tokens\":4,\"stream\":true}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).contains("[DONE]");
      HttpRequest plain =
          HttpRequest.newBuilder(URI.create(secret.url() + "/v1/models"))
              .timeout(java.time.Duration.ofSeconds(20))
              .build();
      assertThatThrownBy(() -> client.send(plain, HttpResponse.BodyHandlers.ofString()))
          .isInstanceOf(IOException.class);
    }
  }

  private static void pem(Path file, String what, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    Files.writeString(
        file, "-----BEGIN " + what + "-----\n" + body + "\n-----END " + what + "-----\n");
  }
}
