package dev.quire.cli;

import dev.quire.engine.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a generation cost, in one line. */
final class Figures {
  private Figures() {}

  static String of(Usage usage) {
    List<String> prompt = new ArrayList<>();
    rate(prompt, usage.prefillTokensPerSecond());
    if (usage.cachedTokens() > 0) {
      prompt.add(usage.cachedTokens() + " cached");
    }
    List<String> generated = new ArrayList<>();
    rate(generated, usage.decodeTokensPerSecond());
    return String.format(
        Locale.ROOT,
        "prompt %s%s, generated %s%s, first token after %.3f s, %s used",
        count(usage.promptTokens(), "token"),
        remarks(prompt),
        count(usage.completionTokens(), "token"),
        remarks(generated),
        usage.timeToFirstToken().toNanos() / 1e9,
        count(usage.peakBlocks(), "block"));
  }

  /** One token has no rate, and a prompt that was cached whole has none either. */
  private static void rate(List<String> remarks, double tokensPerSecond) {
    if (tokensPerSecond > 0) {
      remarks.add(String.format(Locale.ROOT, "%.1f tokens/s", tokensPerSecond));
    }
  }

  private static String remarks(List<String> remarks) {
    return remarks.isEmpty() ? "" : " (" + String.join(", ", remarks) + ")";
  }

  private static String count(int number, String unit) {
    return number + " " + unit + (number == 1 ? "" : "s");
  }
}
