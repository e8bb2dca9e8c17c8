package dev.quire.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.node.ObjectNode;

/** Server-sent events, each written out at once. */
final class EventStream implements Closeable {
  private final OutputStream out;

  private EventStream(OutputStream out) {
    this.out = out;
  }

  static EventStream open(ServerResponse response) {
    response.header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
    response.header(HeaderNames.CACHE_CONTROL, "no-cache");
    return new EventStream(response.outputStream());
  }

  void send(ObjectNode json) {
    send(json.toString());
  }

  /** The mark by which OpenAI's clients know the end. */
  void done() {
    send("[DONE]");
  }

  private void send(String data) {
    try {
      out.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
