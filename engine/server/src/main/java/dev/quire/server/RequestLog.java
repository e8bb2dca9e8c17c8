package dev.quire.server;

import dev.quire.engine.Usage;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The access log: a line of JSON for each request. Prompts and answers are not in it. */
final class RequestLog {
  private static final Logger LOG = LoggerFactory.getLogger("dev.quire.server.access");

  private RequestLog() {}

  static void write(RequestReport report) {
    ObjectNode line = new JsonMapper().createObjectNode();
    line.put("method", report.method);
    line.put("path", report.path);
    line.put("status", report.status);
    line.put("seconds", rounded(report.seconds()));
    line.put("stream", report.stream);
    if (!report.usages.isEmpty()) {
      Usage first = report.usages.getFirst();
      line.put("prompt_tokens", report.promptTokens());
      line.put("cached_tokens", report.usages.stream().mapToInt(Usage::cachedTokens).sum());
      line.put("completion_tokens", report.completionTokens());
      line.put("queue_seconds", rounded(first.queued().toNanos() / 1e9));
      line.put("ttft_seconds", rounded(first.timeToFirstToken().toNanos() / 1e9));
    }
    if (!report.finishReasons.isEmpty()) {
      line.put("finish_reason", String.join(",", report.finishReasons));
    }
    LOG.info("{}", line);
  }

  private static double rounded(double seconds) {
    return Double.parseDouble(String.format(Locale.ROOT, "%.6f", seconds));
  }
}
