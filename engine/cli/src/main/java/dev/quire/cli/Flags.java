package dev.quire.cli;

import dev.quire.engine.QuireException;
import java.util.Locale;
import java.util.Map;

/** The engine's settings by the names of their flags. */
final class Flags {
  private static final Map<String, String> OTHERS =
      Map.of(
          "maxTokens", "-n",
          "n", "--samples",
          "temperature", "--temp",
          "repetitionPenalty", "--repeat-penalty",
          "repetitionWindow", "--repeat-last-n",
          "kvCacheType", "--kv-cache-dtype",
          "policy", "--scheduling-policy");

  private Flags() {}

  /** What a refused value of a setting is to someone at the command line: wrong usage. */
  static UsageError wrongUsage(QuireException e) {
    return new UsageError(e.message(Flags::of));
  }

  /** {@code --top-p} for {@code topP}. */
  static String of(String setting) {
    String known = OTHERS.get(setting);
    return known != null
        ? known
        : "--" + setting.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }
}
