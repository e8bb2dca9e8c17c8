package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.QuireException;
import dev.quire.engine.chat.ChatFormat;
import io.helidon.http.BadRequestException;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.http1.Http1Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * OpenAI's API over an engine: completions, chats, responses, embeddings and models under {@code
 * /v1}; beside it {@code /tokenize}, {@code /detokenize}, {@code /health}, {@code /metrics}, {@code
 * /version} and the page at {@code /}. Each connection has a virtual thread of its own; the engine
 * batches what they ask.
 */
public final class QuireServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QuireServer.class);
  private static final int MOST_HEADER_BYTES = 16 << 10;
  private static final int MOST_CONNECTIONS = 10_000;

  private final Engine engine;
  private final ServerOptions options;
  private final RequestWatch watch;
  private final ServerMetrics metrics;
  private final WebServer server;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Set<String> postPaths = new HashSet<>();

  private QuireServer(Engine engine, ServerOptions options, ChatFormat chat, String version) {
    this.engine = engine;
    this.options = options;
    this.metrics = new ServerMetrics(engine, options.modelName(), options.vllmMetricNames());
    this.watch = new RequestWatch(options.requestTimeout(), options.slowReaderTimeout());
    WebServerConfig.Builder config =
        WebServer.builder()
            .host(options.host())
            .port(options.port())
            .maxPayloadSize(options.maxRequestBytes())
            .maxTcpConnections(MOST_CONNECTIONS)
            .idleConnectionTimeout(Duration.ofMinutes(5))
            .shutdownGracePeriod(Duration.ofSeconds(1))
            .shutdownHook(false)
            // One thread may read from these sockets, under TLS too, while another writes.
            .useNio(false)
            .addConnectionSelector(
                new ClientConnection.Selector(
                    Http1Config.builder().maxHeadersSize(MOST_HEADER_BYTES).build()))
            .routing(routing -> routes(routing, chat, version));
    ServerOptions.Tls tls = options.tls();
    if (tls != null) {
      config.tls(t -> t.sslContext(PemFiles.context(tls)));
    }
    this.server = config.build().start();
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
    return new QuireServer(engine, options, chat, version);
  }

  private void routes(HttpRouting.Builder routing, ChatFormat chat, String version) {
    routing.addFilter(QuireServer::closeWhereAsked);
    if (!options.corsOrigins().isEmpty()) {
      routing.addFilter(new Cors(options.corsOrigins())::filter);
    }
    if (!options.apiKeys().isEmpty()) {
      routing.addFilter(new KeyCheck(options.apiKeys())::filter);
    }
    ModelNames models = ModelNames.of(engine, options.modelName());
    var tokens = new TokenHandler(engine, chat);
    routing.get("/health", this::health);
    routing.get("/ping", this::health);
    routing.get(
        "/version",
        (_, response) ->
            Call.send(response, new JsonMapper().createObjectNode().put("version", version)));
    routing.get("/metrics", (_, response) -> metrics(response));
    routing.get("/v1/models", (_, response) -> Call.send(response, models.list()));
    get(
        routing,
        "/v1/models/{+id}",
        request -> models.one(request.path().pathParameters().get("id")));
    var cache = new CacheView(engine, options.blockTexts());
    get(routing, "/quire/cache", _ -> cache.look());
    get(
        routing,
        "/quire/cache/{block}",
        request -> cache.block(request.path().pathParameters().get("block")));
    PageFiles.route(routing);
    post(routing, "/v1/completions", new CompletionEndpoint(engine, models)::handle);
    post(routing, "/v1/chat/completions", new ChatEndpoint(engine, models, chat)::handle);
    post(routing, "/v1/responses", new ResponsesEndpoint(engine, models, chat)::handle);
    post(routing, "/v1/embeddings", new EmbeddingEndpoint(engine, models)::handle);
    post(routing, "/tokenize", tokens::tokenize);
    post(routing, "/detokenize", tokens::detokenize);
    routing.any((request, response) -> Errors.send(response, unknown(request)));
    routing.error(BadRequestException.class, (_, response, e) -> Errors.send(response, bad(e)));
  }

  /** The web server says {@code Connection: close} where the client did, but does not close. */
  private static void closeWhereAsked(
      FilterChain chain, RoutingRequest request, RoutingResponse response) {
    try {
      chain.proceed();
    } finally {
      ClientConnection client = ClientConnection.current();
      if (client != null && request.headers().contains(HeaderValues.CONNECTION_CLOSE)) {
        client.endAfterAnswer();
      }
    }
  }

  private ApiException unknown(ServerRequest request) {
    if (postPaths.contains(request.path().path())) {
      return new ApiException(
          405,
          "invalid_request_error",
          request.path().path() + " takes POST, not " + request.prologue().method(),
          null,
          "method_not_allowed");
    }
    return new ApiException(
        404,
        "invalid_request_error",
        "there is no " + request.prologue().method() + " " + request.path().path(),
        null,
        "unknown_url");
  }

  private static ApiException bad(Throwable e) {
    return ApiException.invalid("the request cannot be read: " + e.getMessage(), null);
  }

  /** Answers a request with a JSON body. */
  @FunctionalInterface
  interface BodyHandler {
    void handle(Call call) throws IOException;
  }

  /** Answers a request without a body. */
  @FunctionalInterface
  interface Look {
    ObjectNode look(ServerRequest request);
  }

  private static void get(HttpRouting.Builder routing, String path, Look look) {
    routing.get(
        path,
        (request, response) -> {
          try {
            Call.send(response, look.look(request));
          } catch (ApiException e) {
            Errors.send(response, e);
          }
        });
  }

  private void post(HttpRouting.Builder routing, String path, BodyHandler handler) {
    postPaths.add(path);
    routing.post(path, (request, response) -> answer(path, request, response, handler));
  }

  private void answer(
      String path, ServerRequest request, ServerResponse response, BodyHandler handler) {
    var report = new RequestReport("POST", path);
    var event = new RequestEvent();
    event.begin();
    try {
      handle(request, response, handler, report);
    } catch (ApiException e) {
      report.status = e.status();
      if (e.status() == 499) {
        throw new CloseConnectionException("the client went away");
      }
      Errors.send(response, e);
    } finally {
      metrics.finished(report);
      if (options.accessLog()) {
        RequestLog.write(report);
      }
      if (event.shouldCommit()) {
        event.method = report.method;
        event.path = path;
        event.status = report.status;
        event.stream = report.stream;
        event.promptTokens = report.promptTokens();
        event.completionTokens = report.completionTokens();
        event.requestBytes = request.headers().contentLength().orElse(0);
        event.commit();
      }
    }
  }

  private void handle(
      ServerRequest request, ServerResponse response, BodyHandler handler, RequestReport report) {
    if (watch.draining()) {
      throw ApiException.stopping();
    }
    RequestBody body;
    try (var in = request.content().inputStream()) {
      body = RequestBody.read(in, options.maxRequestBytes());
    } catch (IOException | UncheckedIOException e) {
      throw ApiException.invalid("the request's body ended early", null);
    }
    RequestWatch.Entry entry = watch.enter();
    try {
      handler.handle(new Call(body, response, entry, report));
    } catch (ApiException e) {
      throw e;
    } catch (QuireException e) {
      throw ApiException.of(e);
    } catch (IOException | UncheckedIOException e) {
      throw new ApiException(499, "invalid_request_error", "the client went away", null, null);
    } catch (StackOverflowError e) {
      throw ApiException.invalid("the request is nested too deeply", null);
    } catch (RuntimeException e) {
      if (entry.reason() != null || response.isSent() || report.stream) {
        throw new ApiException(499, "invalid_request_error", "the client went away", null, null);
      }
      LOG.error("{} failed", report.path, e);
      throw new ApiException(500, "server_error", "the server failed: " + e, null, null);
    } finally {
      watch.leave(entry);
    }
  }

  private void health(ServerRequest request, ServerResponse response) {
    response.status(watch.draining() ? 503 : 200);
    response.send();
  }

  private void metrics(ServerResponse response) {
    response.header(HeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    response.send(metrics.scrape().getBytes(StandardCharsets.UTF_8));
  }

  /** The port in use. */
  public int port() {
    return server.port();
  }

  /** Requests under way. */
  public int active() {
    return watch.size();
  }

  /**
   * Turns new requests away, lets those under way finish for the grace of the options, ends what is
   * left with an error, and stops to listen.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      watch.drain(options.shutdownGrace());
      watch.close();
      server.stop();
    }
  }
}
