package dev.quire.cli;

import dev.quire.server.ServerOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the server allows over HTTP. */
final class HttpOptions {
  @Option(
      names = "--cors-origin",
      paramLabel = "ORIGIN",
      description =
          "A web origin whose pages may use the API, or * for all; may be given several times"
              + " (default: none).")
  private List<String> corsOrigins = new ArrayList<>();

  @Option(
      names = "--tls-certificate",
      paramLabel = "FILE",
      description = "PEM file of a certificate chain; with it the server speaks HTTPS.")
  private @Nullable Path tlsCertificate;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "PEM file of the certificate's private key (PKCS #8, unencrypted).")
  private @Nullable Path tlsKey;

  @Option(
      names = "--request-timeout",
      paramLabel = "SECONDS",
      description = "After which a request ends unfinished (default: ${DEFAULT-VALUE}).")
  private double requestTimeout = 1800;

  @Option(
      names = "--slow-reader-timeout",
      paramLabel = "SECONDS",
      description =
          "After which a client that takes nothing of its stream is cut off (default:"
              + " ${DEFAULT-VALUE}).")
  private double slowReaderTimeout = 30;

  @Option(
      names = "--shutdown-grace",
      paramLabel = "SECONDS",
      description = "What running requests get to finish on SIGTERM (default: ${DEFAULT-VALUE}).")
  private double shutdownGrace = 30;

  @Option(
      names = "--vllm-metric-names",
      description = "Give metrics vLLM's prefix, for dashboards made for it.")
  private boolean vllmMetricNames;

  @Option(names = "--access-log", description = "Log each request as a line of JSON.")
  private boolean accessLog;

  boolean isTls() {
    return tlsCertificate != null;
  }

  ServerOptions apply(ServerOptions options) {
    if ((tlsCertificate == null) != (tlsKey == null)) {
      throw new UsageError("--tls-certificate and --tls-key go together");
    }
    ServerOptions.Tls tls =
        tlsCertificate == null || tlsKey == null
            ? null
            : new ServerOptions.Tls(tlsCertificate, tlsKey);
    return options
        .withTimeouts(
            seconds("--request-timeout", requestTimeout),
            seconds("--slow-reader-timeout", slowReaderTimeout),
            seconds("--shutdown-grace", shutdownGrace))
        .withTransport(corsOrigins, tls)
        .withReports(vllmMetricNames, accessLog);
  }

  private static Duration seconds(String option, double value) {
    if (!(value > 0 && value < 1e7)) {
      throw new UsageError(option + " must be a number of seconds above 0; it is " + value);
    }
    return Duration.ofMillis((long) (value * 1000));
  }
}
