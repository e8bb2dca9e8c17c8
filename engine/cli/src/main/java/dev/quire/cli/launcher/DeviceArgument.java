package dev.quire.cli.launcher;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** What a command line asks of {@code --device}, read before the command line's own parser runs. */
final class DeviceArgument {
  private static final String OPTION = "--device";
  private static final Set<String> COMMANDS =
      new HashSet<String>(
          Arrays.asList(
              "run",
              "chat",
              "serve",
              "logits",
              "perplexity",
              "llama",
              "batched",
              "step",
              "paper",
              "kernels"));

  private DeviceArgument() {}

  /**
   * @return the device named; {@code auto} where a command that loads a model names none; empty for
   *     commands without a device
   */
  static String of(String[] args) {
    boolean loadsModel = false;
    String device = "";
    for (int i = 0; i < args.length; i++) {
      if (args[i].equals("--")) {
        break;
      }
      if (args[i].equals(OPTION) && i + 1 < args.length) {
        device = args[i + 1];
      } else if (args[i].startsWith(OPTION + "=")) {
        device = args[i].substring(OPTION.length() + 1);
      }
      // The command is the first word, of `bench` the second.
      loadsModel |= (i == 0 || (i == 1 && args[0].equals("bench"))) && COMMANDS.contains(args[i]);
    }
    return device.isEmpty() && loadsModel ? "auto" : device.toLowerCase(Locale.ROOT);
  }
}
