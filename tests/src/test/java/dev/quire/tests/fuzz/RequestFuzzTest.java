package dev.quire.tests.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.server.QuireServer;
import dev.quire.server.ServerOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Whatever comes over the wire, every answer is a 2xx or a 4xx, and the engine goes on answering.
 * The usual build sends some hundred requests of chance; {@code -Pfuzz} searches for ten minutes.
 */
class RequestFuzzTest {
  private static final int PATIENCE_MILLIS = 60_000;
  private static final int ROUNDS = 150;
  private static final int LOOK_EVERY = 200;
  private static Engine engine;
  private static QuireServer server;
  private static long sent;

  @BeforeAll
  static void start() {
    engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(512).build());
    ServerOptions options =
        new ServerOptions("127.0.0.1", 0, List.of(), "bard")
            .withTimeouts(Duration.ofSeconds(20), Duration.ofSeconds(5), Duration.ofSeconds(1));
    server = QuireServer.start(engine, options, ChatFormat.of(engine), "test");
  }

  @AfterAll
  static void stop() {
    server.close();
    engine.close();
  }

  @FuzzTest(maxDuration = "10m")
  void anything(FuzzedDataProvider data) throws Exception {
    try (var _ = BugDetectors.allowNetworkConnections((_, port) -> port == server.port())) {
      one(data);
    }
  }

  private static void one(FuzzedDataProvider data) throws Exception {
    String path = AlmostRequests.path(below -> data.consumeInt(0, below - 1));
    switch (data.consumeInt(0, 9)) {
      case 0 -> {
        byte[] bytes = data.consumeRemainingAsBytes();
        check("bytes", send(bytes, true));
      }
      case 1 -> {
        String header = data.consumeString(200);
        byte[] body = data.consumeRemainingAsBytes();
        check(header, send(join(head(path, header, body.length), body), true));
      }
      case 2 -> check(path, send(post(path, data.consumeRemainingAsBytes()), false));
      default -> {
        String body = AlmostRequests.body(below -> data.consumeInt(0, below - 1));
        check(path + " " + body, send(post(path, body.getBytes(StandardCharsets.UTF_8)), false));
      }
    }
    if (++sent % LOOK_EVERY == 0) {
      stillAnswers();
    }
  }

  @Test
  void almostRequests() throws Exception {
    Random random = new Random(20);
    for (int i = 0; i < ROUNDS; i++) {
      String path = AlmostRequests.path(random::nextInt);
      String body = AlmostRequests.body(random::nextInt);
      check(path + " " + body, send(post(path, body.getBytes(StandardCharsets.UTF_8)), false));
    }
    stillAnswers();
  }

  private static void stillAnswers() throws Exception {
    String body = "{\"prompt\":\"x\",\"max_tokens\":2}";
    String answer = send(post("/v1/completions", body.getBytes(StandardCharsets.UTF_8)), false);
    assertThat(answer).startsWith("HTTP/1.1 200").contains("\"usage\"");
    for (int i = 0; i < 500 && engine.stats().memory().usedBlocks() > 0; i++) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    assertThat(engine.stats().memory().usedBlocks()).as("blocks in use").isZero();
  }

  /** A connection may be closed without an answer only where nothing that came was a request. */
  private static void check(String what, String answer) {
    if (answer.isEmpty() && !what.startsWith("/")) {
      return;
    }
    String shown = what.substring(0, Math.min(2000, what.length()));
    assertThat(answer).as(shown).matches("(?s)HTTP/1[.][01] [24]\\d\\d .*");
    if (answer.charAt(9) == '4' && what.startsWith("/")) {
      assertThat(answer).as(shown).contains("\"error\"");
    }
    assertThat(answer).as(shown).doesNotContain("\"type\":\"server_error\"");
  }

  private static byte[] post(String path, byte[] body) {
    return join(head(path, "Content-Type: application/json", body.length), body);
  }

  private static byte[] head(String path, String header, int length) {
    return ("POST "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
            + length
            + "\r\n"
            + header
            + "\r\n\r\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] join(byte[] head, byte[] body) {
    byte[] all = new byte[head.length + body.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    return all;
  }

  /**
   * Sends bytes as they are and reads to the end.
   *
   * @param last whether to say that nothing more will come, as else a torn request is waited for;
   *     the server may then take the client for gone
   * @return empty where the server only closed
   */
  private static String send(byte[] bytes, boolean last) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      OutputStream out = socket.getOutputStream();
      out.write(bytes);
      out.flush();
      if (last) {
        socket.shutdownOutput();
      }
      InputStream in = socket.getInputStream();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (java.net.SocketTimeoutException e) {
      String request = new String(bytes, 0, Math.min(2000, bytes.length), StandardCharsets.UTF_8);
      throw new AssertionError("no answer within " + PATIENCE_MILLIS + " ms to " + request, e);
    } catch (java.net.SocketException e) {
      return ""; // reset: it was refused before it was read to its end
    }
  }
}
