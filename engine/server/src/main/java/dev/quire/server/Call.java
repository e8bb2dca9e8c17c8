package dev.quire.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import tools.jackson.databind.node.ObjectNode;

/**
 * One request on its way to its answer.
 *
 * @param report what the access log and the metrics will say of it
 */
record Call(
    RequestBody body, ServerResponse response, RequestWatch.Entry entry, RequestReport report) {

  /** Takes the request's own time limit, in seconds, if it names one. */
  void takeTimeout() {
    double seconds = body.number("timeout", 0);
    if (seconds < 0) {
      throw ApiException.invalid("timeout must be a number of seconds", "timeout");
    }
    if (seconds > 0 && seconds < 1e6) {
      entry.endWithin(Duration.ofMillis((long) (seconds * 1000)));
    }
  }

  void send(ObjectNode json) {
    send(response, json);
  }

  static void send(ServerResponse response, ObjectNode json) {
    response.header(HeaderNames.CONTENT_TYPE, "application/json");
    response.send(json.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** What is answered where the request was cancelled. */
  ApiException cancelled() {
    RequestWatch.Reason reason = entry.reason();
    return switch (reason) {
      case DEADLINE ->
          new ApiException(
              408, "timeout_error", "the request's time is up", null, "request_timeout");
      case CLIENT_GONE, SLOW_READER ->
          new ApiException(499, "invalid_request_error", "the client went away", null, null);
      case STOPPING -> ApiException.stopping();
      case null -> ApiException.stopping();
    };
  }
}
