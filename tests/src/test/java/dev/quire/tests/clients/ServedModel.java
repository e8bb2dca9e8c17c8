package dev.quire.tests.clients;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.server.QuireServer;
import dev.quire.server.ServerOptions;
import java.time.Duration;
import java.util.List;

/** The embedded model behind a server on a free port. */
final class ServedModel implements AutoCloseable {
  static final String KEY = "open-sesame";
  static final String NAME = "bard";

  final Engine engine;
  final QuireServer server;

  ServedModel(EngineOptions.Builder engineOptions, ServerOptions serverOptions) {
    engine = Engine.loadEmbedded(engineOptions.build());
    server = QuireServer.start(engine, serverOptions, ChatFormat.of(engine), "test");
  }

  static ServedModel start(List<String> keys) {
    return new ServedModel(EngineOptions.builder().numKvBlocks(512), options(keys));
  }

  static ServerOptions options(List<String> keys) {
    return new ServerOptions("127.0.0.1", 0, keys, NAME)
        .withTimeouts(Duration.ofMinutes(5), Duration.ofSeconds(5), Duration.ofSeconds(5));
  }

  String url() {
    return "http://127.0.0.1:" + server.port();
  }

  @Override
  public void close() {
    server.close();
    engine.close();
  }
}
