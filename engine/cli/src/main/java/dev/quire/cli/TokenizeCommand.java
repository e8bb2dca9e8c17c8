package dev.quire.cli;

import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code quire tokenize}: text to token ids. */
@Command(
    name = "tokenize",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Turns text into token ids.",
    footer = {
      "",
      "Examples:",
      "  quire tokenize \"Hello world\"",
      "  quire tokenize -m model.gguf --jsonl < strings.jsonl > ids.jsonl"
    })
final class TokenizeCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "A GGUF file (a vocabulary alone will do) or a folder with tokenizer.json; without it,"
              + " the small embedded model.")
  private @Nullable Path model;

  @Option(names = "--jsonl", description = "Read one JSON string a line, not one text.")
  private boolean jsonl;

  @Option(names = "--add-special", description = "Add BOS and the like where the model has them.")
  private boolean addSpecial;

  @Option(
      names = "--parse-special",
      description = "Let special tokens written out in the text become their ids.")
  private boolean parseSpecial;

  @Parameters(
      arity = "0..1",
      paramLabel = "TEXT",
      description = "The text; without it, stdin is read.")
  private @Nullable String text;

  TokenizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (jsonl && text != null) {
      throw new UsageError("--jsonl reads stdin; give no TEXT beside it");
    }
    Tokenizer tokenizer = VocabularyLoader.load(model);
    if (jsonl) {
      JsonLines.each(
          console,
          node -> {
            if (!node.isString()) {
              throw new IllegalArgumentException("a JSON string is expected");
            }
            return ids(tokenizer, node.stringValue());
          });
    } else {
      String given =
          text == null ? new String(console.in().readAllBytes(), StandardCharsets.UTF_8) : text;
      console.out().print(ids(tokenizer, given) + "\n");
    }
    return CommandLineRunner.DONE;
  }

  private String ids(Tokenizer tokenizer, String given) {
    return Arrays.stream(tokenizer.encode(given, addSpecial, parseSpecial))
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
