package dev.quire.cli;

import dev.quire.engine.Usage;
import java.util.Locale;

/** What a generation cost, in one line. */
final class Figures {
  private Figures() {}

  static String of(Usage usage) {
    String cached = usage.cachedTokens() == 0 ? "" : ", " + usage.cachedTokens() + " cached";
    return String.format(
        Locale.ROOT,
        "prompt %d tokens (%.1f tokens/s%s), generated %d tokens (%.1f tokens/s), first token after"
            + " %.3f s, %d blocks used",
        usage.promptTokens(),
        usage.prefillTokensPerSecond(),
        cached,
        usage.completionTokens(),
        usage.decodeTokensPerSecond(),
        usage.timeToFirstToken().toNanos() / 1e9,
        usage.peakBlocks());
  }
}
