package dev.quire.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.List;

/** Lets pages of the named origins use the API (the Fetch standard's CORS protocol). */
final class Cors {
  private final List<String> origins;

  /**
   * @param origins {@code *} for all
   */
  Cors(List<String> origins) {
    this.origins = origins;
  }

  void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
    String origin = request.headers().first(HeaderNames.ORIGIN).orElse("");
    boolean known = !origin.isEmpty() && (origins.contains("*") || origins.contains(origin));
    if (known) {
      response.header(HeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, origin);
      response.header(HeaderNames.VARY, "Origin");
    }
    if (known && request.prologue().method().text().equals("OPTIONS")) {
      response.header(HeaderNames.ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
      // OpenAI's client in a browser sends headers of its own; a known origin may send any.
      String asked = request.headers().first(HeaderNames.ACCESS_CONTROL_REQUEST_HEADERS).orElse("");
      response.header(
          HeaderNames.ACCESS_CONTROL_ALLOW_HEADERS,
          asked.matches("[A-Za-z0-9, -]{1,2000}") ? asked : "authorization, content-type");
      response.header(HeaderNames.ACCESS_CONTROL_MAX_AGE, "3600");
      response.status(204);
      response.send();
      return;
    }
    chain.proceed();
  }
}
