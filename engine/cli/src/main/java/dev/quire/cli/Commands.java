package dev.quire.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** The commands by name, in the order that {@code --help} shows them. */
final class Commands {
  private Commands() {}

  static List<String> names() {
    return List.of("inspect");
  }

  /** The command of this name; null if there is none. */
  static @Nullable Callable<Integer> byName(String name, Console console) {
    return switch (name) {
      case "inspect" -> new InspectCommand(console);
      default -> null;
    };
  }
}
