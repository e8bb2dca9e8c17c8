package dev.quire.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/** The page and its parts: a fixed list of resources, so that no path leads anywhere else. */
final class PageFiles {
  private static final List<String> FILES =
      List.of(
          "page.css",
          "main.js",
          "answers.js",
          "chat.js",
          "markdown.js",
          "history.js",
          "blocks.js",
          "sparkline.js",
          "theme.js");
  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8");

  private PageFiles() {}

  static void route(HttpRouting.Builder routing) {
    byte[] page = bytes("index.html");
    routing.get("/", (_, response) -> send(response, "index.html", page));
    for (String file : FILES) {
      byte[] content = bytes(file);
      routing.get("/page/" + file, (_, response) -> send(response, file, content));
    }
  }

  private static void send(ServerResponse response, String file, byte[] content) {
    String ending = file.substring(file.lastIndexOf('.') + 1);
    response.header(HeaderNames.CONTENT_TYPE, TYPES.getOrDefault(ending, "text/plain"));
    response.header(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.header("X-Content-Type-Options", "nosniff");
    response.header("Referrer-Policy", "no-referrer");
    response.send(content);
  }

  private static byte[] bytes(String file) {
    try (InputStream in = PageFiles.class.getResourceAsStream("/dev/quire/server/page/" + file)) {
      if (in == null) {
        throw new IllegalStateException("the page's file " + file + " is missing in this build");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
