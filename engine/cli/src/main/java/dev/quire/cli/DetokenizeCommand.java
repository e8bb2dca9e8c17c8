package dev.quire.cli;

import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code quire detokenize}: token ids to text. */
@Command(
    name = "detokenize",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Turns token ids into text.",
    footer = {
      "",
      "Examples:",
      "  quire detokenize -m model.gguf 9906 1917",
      "  quire detokenize -m model.gguf --jsonl < ids.jsonl > strings.jsonl"
    })
final class DetokenizeCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "A GGUF file (a vocabulary alone will do) or a folder with tokenizer.json; without it,"
              + " the small embedded model.")
  private @Nullable Path model;

  @Option(names = "--jsonl", description = "Read one JSON array of ids a line.")
  private boolean jsonl;

  @Option(names = "--skip-special", description = "Leave special tokens out of the text.")
  private boolean skipSpecial;

  @Parameters(arity = "0..*", paramLabel = "ID", description = "Token ids.")
  private int[] ids = {};

  DetokenizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (jsonl == (ids.length > 0)) {
      throw new UsageError("give token ids, or --jsonl and arrays of them on stdin");
    }
    Tokenizer tokenizer = VocabularyLoader.load(model);
    if (jsonl) {
      JsonLines.each(console, node -> JsonLines.quoted(tokenizer.decode(ids(node), skipSpecial)));
    } else {
      console.out().print(tokenizer.decode(ids, skipSpecial) + "\n");
    }
    return CommandLineRunner.DONE;
  }

  private static int[] ids(JsonNode node) {
    if (!node.isArray() || !IntStream.range(0, node.size()).allMatch(i -> node.get(i).isInt())) {
      throw new IllegalArgumentException("a JSON array of token ids is expected");
    }
    return IntStream.range(0, node.size()).map(i -> node.get(i).intValue()).toArray();
  }
}
