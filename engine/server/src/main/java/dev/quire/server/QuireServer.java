package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.QuireException;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * OpenAI's API over an engine: {@code /v1/completions}, {@code /v1/chat/completions}, {@code
 * /v1/models}; beside it {@code /tokenize}, {@code /detokenize}, {@code /health} and {@code
 * /version}. Each request has a virtual thread of its own; the engine batches them.
 */
public final class QuireServer implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(10);

  private final WebServer server;

  private QuireServer(WebServer server) {
    this.server = server;
  }

  /**
   * Starts to listen.
   *
   * @param chat how conversations are written down
   * @param version what {@code /version} answers
   * @throws RuntimeException if the address cannot be bound
   */
  public static QuireServer start(
      Engine engine, ServerOptions options, ChatFormat chat, String version) {
    var completions = new CompletionHandler(engine, options.modelName(), chat);
    var tokens = new TokenHandler(engine);
    WebServer server =
        WebServer.builder()
            .host(options.host())
            .port(options.port())
            .maxPayloadSize(RequestBody.LARGEST)
            .shutdownGracePeriod(GRACE)
            .shutdownHook(false)
            .routing(
                routing -> {
                  if (!options.apiKeys().isEmpty()) {
                    routing.addFilter(new KeyCheck(options.apiKeys())::filter);
                  }
                  routes(routing, completions, tokens, options.modelName(), version);
                })
            .build()
            .start();
    return new QuireServer(server);
  }

  private static void routes(
      HttpRouting.Builder routing,
      CompletionHandler completions,
      TokenHandler tokens,
      String modelName,
      String version) {
    routing.get("/health", (_, response) -> response.send());
    routing.get("/version", (_, response) -> sendJson(response, version(version)));
    routing.get("/v1/models", (_, response) -> sendJson(response, models(modelName)));
    post(routing, "/v1/completions", completions::complete);
    post(routing, "/v1/chat/completions", completions::chat);
    post(routing, "/tokenize", tokens::tokenize);
    post(routing, "/detokenize", tokens::detokenize);
    routing.any(
        (request, response) ->
            sendError(
                response,
                new ApiException(
                    404,
                    "invalid_request_error",
                    "there is no " + request.prologue().method() + " " + request.path().path(),
                    null,
                    null)));
  }

  /** Answers a request with a JSON body. */
  @FunctionalInterface
  interface BodyHandler {
    void handle(RequestBody body, ServerResponse response) throws IOException;
  }

  private static void post(HttpRouting.Builder routing, String path, BodyHandler handler) {
    routing.post(path, (request, response) -> answer(request, response, handler));
  }

  private static void answer(ServerRequest request, ServerResponse response, BodyHandler handler)
      throws IOException {
    try {
      RequestBody body;
      try (var in = request.content().inputStream()) {
        body = RequestBody.read(in);
      }
      handler.handle(body, response);
    } catch (ApiException e) {
      sendError(response, e);
    } catch (QuireException e) {
      sendError(response, ofEngine(e));
    }
  }

  private static ApiException ofEngine(QuireException e) {
    String message = String.valueOf(e.getMessage());
    return switch (e.kind()) {
      case INVALID -> ApiException.invalid(message, null);
      case OVERLOADED -> new ApiException(429, "rate_limit_error", message, null, "overloaded");
      case CLOSED, INTERRUPTED -> new ApiException(503, "server_error", message, null, "stopping");
      case FAILED -> new ApiException(500, "server_error", message, null, null);
    };
  }

  static void sendJson(ServerResponse response, ObjectNode json) {
    response.header(HeaderNames.CONTENT_TYPE, "application/json");
    response.send(json.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static void sendError(ServerResponse response, ApiException e) {
    if (response.isSent()) {
      return;
    }
    ObjectNode root = new JsonMapper().createObjectNode();
    ObjectNode error = root.putObject("error");
    error.put("message", e.getMessage());
    error.put("type", e.type());
    error.put("param", e.parameter());
    error.put("code", e.code());
    response.status(e.status());
    if (e.status() == 429) {
      response.header(HeaderNames.RETRY_AFTER, "1");
    }
    sendJson(response, root);
  }

  private static ObjectNode version(String version) {
    return new JsonMapper().createObjectNode().put("version", version);
  }

  private static ObjectNode models(String name) {
    ObjectNode root = new JsonMapper().createObjectNode();
    root.put("object", "list");
    ArrayNode data = root.putArray("data");
    data.addObject()
        .put("id", name)
        .put("object", "model")
        .put("created", 0)
        .put("owned_by", "quire");
    return root;
  }

  /** The port in use. */
  public int port() {
    return server.port();
  }

  /** Takes no more requests and lets those under way finish for a while. */
  @Override
  public void close() {
    server.stop();
  }

  /** Lets pass who bears a key; the rest of the server needs none. */
  private record KeyCheck(List<String> keys) {
    void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
      String path = request.path().path();
      if (path.equals("/health") || known(request.headers().first(HeaderNames.AUTHORIZATION))) {
        chain.proceed();
      } else {
        sendError(
            response,
            new ApiException(
                401,
                "invalid_request_error",
                "a valid API key is needed: Authorization: Bearer KEY",
                null,
                "invalid_api_key"));
      }
    }

    private boolean known(java.util.Optional<String> header) {
      return header.isPresent() && header.get().startsWith("Bearer ") && matches(header.get());
    }

    /** Compares with every key, each in time that does not depend on where they differ. */
    private boolean matches(@Nullable String header) {
      byte[] given = String.valueOf(header).substring(7).getBytes(StandardCharsets.UTF_8);
      boolean found = false;
      for (String key : keys) {
        found |= MessageDigest.isEqual(given, key.getBytes(StandardCharsets.UTF_8));
      }
      return found;
    }
  }
}
