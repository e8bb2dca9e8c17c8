package dev.quire.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;

/** Sends errors. */
final class Errors {
  private Errors() {}

  static void send(ServerResponse response, ApiException e) {
    if (response.isSent()) {
      return;
    }
    response.status(e.status());
    if (e.status() == 429 || e.status() == 503) {
      response.header(HeaderNames.RETRY_AFTER, "1");
    }
    Call.send(response, e.json());
  }
}
