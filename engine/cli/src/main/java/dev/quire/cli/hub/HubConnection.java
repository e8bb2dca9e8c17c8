package dev.quire.cli.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Requests to the hub. Redirects are followed, but the token goes to the hub's own host alone. */
final class HubConnection implements AutoCloseable {
  private static final int MOST_REDIRECTS = 5;

  private final HubSettings settings;
  private final HttpClient client =
      HttpClient.newBuilder()
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(20))
          .build();

  HubConnection(HubSettings settings) {
    this.settings = settings;
  }

  /**
   * Asks for a resource, or for a range of it.
   *
   * @param range as in the header, {@code bytes=0-99}; empty for all
   */
  HttpResponse<InputStream> get(URI uri, String range) throws IOException {
    URI at = uri;
    for (int i = 0; i <= MOST_REDIRECTS; i++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(at).timeout(Duration.ofMinutes(2)).header("User-Agent", "quire");
      if (!range.isEmpty()) {
        request.header("Range", range);
      }
      String token = settings.token();
      if (token != null && sameHost(at, settings.endpoint())) {
        request.header("Authorization", "Bearer " + token);
      }
      HttpResponse<InputStream> response = send(request.build());
      if (response.statusCode() / 100 != 3) {
        return response;
      }
      response.body().close();
      String location =
          response
              .headers()
              .firstValue("Location")
              .orElseThrow(() -> new HubException(uri + ": a redirect that leads nowhere"));
      URI next = at.resolve(location);
      if ("https".equals(at.getScheme()) && !"https".equals(next.getScheme())) {
        throw new HubException(uri + ": a redirect from https to " + next.getScheme());
      }
      at = next;
    }
    throw new HubException(uri + ": more than " + MOST_REDIRECTS + " redirects");
  }

  private static boolean sameHost(URI a, URI b) {
    return a.getScheme().equals(b.getScheme())
        && a.getHost().equals(b.getHost())
        && a.getPort() == b.getPort();
  }

  private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException("interrupted");
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
