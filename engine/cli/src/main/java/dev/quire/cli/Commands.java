package dev.quire.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** The commands by name, in the order that {@code --help} shows them. */
final class Commands {
  private Commands() {}

  static List<String> names() {
    return List.of(
        "run",
        "chat",
        "serve",
        "pull",
        "bench",
        "inspect",
        "synth",
        "quantize",
        "perplexity",
        "logits",
        "tokenize",
        "detokenize",
        "chat-template");
  }

  /** The command of this name; null if there is none. */
  static @Nullable Callable<Integer> byName(String name, Console console) {
    return switch (name) {
      case "run" -> new RunCommand(console);
      case "chat" -> new ChatCommand(console);
      case "serve" -> new ServeCommand(console);
      case "pull" -> new PullCommand(console);
      case "bench" -> new BenchCommand();
      case "inspect" -> new InspectCommand(console);
      case "synth" -> new SynthCommand(console);
      case "quantize" -> new QuantizeCommand(console);
      case "perplexity" -> new PerplexityCommand(console);
      case "logits" -> new LogitsCommand(console);
      case "tokenize" -> new TokenizeCommand(console);
      case "detokenize" -> new DetokenizeCommand(console);
      case "chat-template" -> new ChatTemplateCommand(console);
      default -> null;
    };
  }
}
