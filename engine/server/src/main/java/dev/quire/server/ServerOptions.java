package dev.quire.server;

import java.util.List;

/**
 * How a server listens.
 *
 * @param host address to listen on
 * @param port 0 takes a free one
 * @param apiKeys keys that requests to {@code /v1} may bear; empty: none is needed
 * @param modelName what clients call the model
 */
public record ServerOptions(String host, int port, List<String> apiKeys, String modelName) {
  public ServerOptions {
    apiKeys = List.copyOf(apiKeys);
  }
}
