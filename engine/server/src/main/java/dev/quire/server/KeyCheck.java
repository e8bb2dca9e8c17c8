package dev.quire.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Set;

/**
 * Lets pass who bears a key. The page itself and the health check need none; what they show does.
 */
final class KeyCheck {
  private static final String BEARER = "Bearer ";
  private static final Set<String> OPEN = Set.of("/", "/health");

  private final List<byte[]> digests;

  KeyCheck(List<String> keys) {
    this.digests = keys.stream().map(KeyCheck::digest).toList();
  }

  void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
    String path = request.path().path();
    boolean preflight = request.prologue().method().text().equals("OPTIONS");
    String header = request.headers().first(HeaderNames.AUTHORIZATION).orElse("");
    if (preflight || OPEN.contains(path) || path.startsWith("/page/") || known(header)) {
      chain.proceed();
    } else {
      Errors.send(
          response,
          new ApiException(
              401,
              "invalid_request_error",
              "a valid API key is needed: Authorization: Bearer KEY",
              null,
              "invalid_api_key"));
    }
  }

  /** Compares with every key, in time that depends neither on where they differ nor on lengths. */
  private boolean known(String header) {
    boolean bearer = header.regionMatches(true, 0, BEARER, 0, BEARER.length());
    byte[] given = digest(bearer ? header.substring(BEARER.length()) : "");
    boolean found = false;
    for (byte[] digest : digests) {
      found |= MessageDigest.isEqual(given, digest);
    }
    return found && bearer;
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
