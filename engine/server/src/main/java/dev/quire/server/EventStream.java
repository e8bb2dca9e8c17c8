package dev.quire.server;

import io.helidon.http.HeaderNames;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.node.ObjectNode;

/** Server-sent events, each written out at once. */
final class EventStream implements Closeable {
  private final OutputStream out;
  private final RequestWatch.Entry entry;

  private EventStream(OutputStream out, RequestWatch.Entry entry) {
    this.out = out;
    this.entry = entry;
  }

  static EventStream open(Call call) {
    call.response().header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
    call.response().header(HeaderNames.CACHE_CONTROL, "no-cache");
    call.report().stream = true;
    return new EventStream(call.response().outputStream(), call.entry());
  }

  void send(ObjectNode json) {
    write("data: " + json + "\n\n");
  }

  /** An event with a name, as the responses API has them. */
  void send(String name, ObjectNode json) {
    write("event: " + name + "\ndata: " + json + "\n\n");
  }

  /** The mark by which OpenAI's clients know the end. */
  void done() {
    write("data: [DONE]\n\n");
  }

  private void write(String text) {
    try {
      entry.writing(System.nanoTime());
      out.write(text.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      entry.writing(0);
    }
  }

  @Override
  public void close() throws IOException {
    entry.writing(System.nanoTime());
    out.close();
    entry.writing(0);
  }
}
