package dev.quire.server;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a server listens, and what it allows.
 *
 * @param host address to listen on
 * @param port 0 takes a free one
 * @param apiKeys keys of which a request must bear one; empty: none is needed
 * @param modelName what clients call the model
 * @param corsOrigins web origins whose pages may use the API; {@code *} for all, empty for none
 * @param tls certificate and key; null for plain HTTP
 * @param maxRequestBytes the largest request body taken
 * @param requestTimeout after which a request ends unfinished
 * @param slowReaderTimeout after which a client that takes nothing of its stream is cut off
 * @param shutdownGrace what requests under way get to finish when the server stops
 * @param vllmMetricNames whether metrics bear vLLM's prefix, for dashboards made for it
 * @param accessLog whether each request is logged, as a line of JSON
 * @param blockTexts whether the page may show what a block of the cache holds, whoever wrote it:
 *     for a server with one user
 */
public record ServerOptions(
    String host,
    int port,
    List<String> apiKeys,
    String modelName,
    List<String> corsOrigins,
    @Nullable Tls tls,
    int maxRequestBytes,
    Duration requestTimeout,
    Duration slowReaderTimeout,
    Duration shutdownGrace,
    boolean vllmMetricNames,
    boolean accessLog,
    boolean blockTexts) {
  private static final int DEFAULT_REQUEST_BYTES = 16 << 20;

  /**
   * What a server over TLS shows.
   *
   * @param certificates PEM file of the certificate chain
   * @param key PEM file of the private key, unencrypted PKCS #8
   */
  public record Tls(Path certificates, Path key) {}

  public ServerOptions {
    apiKeys = List.copyOf(apiKeys);
    corsOrigins = List.copyOf(corsOrigins);
  }

  /** The usual limits. */
  public ServerOptions(String host, int port, List<String> apiKeys, String modelName) {
    this(
        host,
        port,
        apiKeys,
        modelName,
        List.of(),
        null,
        DEFAULT_REQUEST_BYTES,
        Duration.ofMinutes(30),
        Duration.ofSeconds(30),
        Duration.ofSeconds(30),
        false,
        false,
        false);
  }

  /** The same with other waiting times. */
  public ServerOptions withTimeouts(Duration request, Duration slowReader, Duration grace) {
    return new ServerOptions(
        host,
        port,
        apiKeys,
        modelName,
        corsOrigins,
        tls,
        maxRequestBytes,
        request,
        slowReader,
        grace,
        vllmMetricNames,
        accessLog,
        blockTexts);
  }

  /** The same for pages of other origins and over TLS. */
  public ServerOptions withTransport(List<String> origins, @Nullable Tls newTls) {
    return new ServerOptions(
        host,
        port,
        apiKeys,
        modelName,
        origins,
        newTls,
        maxRequestBytes,
        requestTimeout,
        slowReaderTimeout,
        shutdownGrace,
        vllmMetricNames,
        accessLog,
        blockTexts);
  }

  /** The same with other reports. */
  public ServerOptions withReports(boolean newVllmMetricNames, boolean newAccessLog) {
    return new ServerOptions(
        host,
        port,
        apiKeys,
        modelName,
        corsOrigins,
        tls,
        maxRequestBytes,
        requestTimeout,
        slowReaderTimeout,
        shutdownGrace,
        newVllmMetricNames,
        newAccessLog,
        blockTexts);
  }

  /** The same with or without the texts that blocks hold. */
  public ServerOptions withBlockTexts(boolean newBlockTexts) {
    return new ServerOptions(
        host,
        port,
        apiKeys,
        modelName,
        corsOrigins,
        tls,
        maxRequestBytes,
        requestTimeout,
        slowReaderTimeout,
        shutdownGrace,
        vllmMetricNames,
        accessLog,
        newBlockTexts);
  }
}
