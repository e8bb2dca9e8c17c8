package dev.quire.server;

import dev.quire.engine.Usage;
import java.util.ArrayList;
import java.util.List;

/** What there is to report of a request once it is over. Belongs to the request's thread. */
final class RequestReport {
  final String method;
  final String path;
  final long startedNanos = System.nanoTime();
  final List<Usage> usages = new ArrayList<>();
  final List<String> finishReasons = new ArrayList<>();
  boolean stream;
  int status = 200;
  int samples = 1;
  long maxTokens;
  private long lastTokenNanos;
  private final List<Double> interTokenSeconds = new ArrayList<>();

  RequestReport(String method, String path) {
    this.method = method;
    this.path = path;
  }

  /** Tokens of a one-sample stream came. */
  void tokensNow(int tokens) {
    long now = System.nanoTime();
    if (lastTokenNanos != 0 && tokens > 0) {
      double each = (now - lastTokenNanos) / 1e9 / tokens;
      for (int i = 0; i < tokens; i++) {
        interTokenSeconds.add(each);
      }
    }
    lastTokenNanos = now;
  }

  List<Double> interTokenSeconds() {
    return interTokenSeconds;
  }

  double seconds() {
    return (System.nanoTime() - startedNanos) / 1e9;
  }

  int promptTokens() {
    return usages.stream().mapToInt(Usage::promptTokens).sum();
  }

  int completionTokens() {
    return usages.stream().mapToInt(Usage::completionTokens).sum();
  }
}
