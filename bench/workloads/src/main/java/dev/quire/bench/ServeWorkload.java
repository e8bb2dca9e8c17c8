package dev.quire.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Prompts and the lengths of their answers. */
public final class ServeWorkload {
  private static final String WORDS =
      "the king and queen of night shall walk with thee upon a sweet morrow where love doth speak"
          + " no more than honour would allow his gentle heart to bear";

  private ServeWorkload() {}

  /**
   * One request.
   *
   * @param outputTokens tokens to generate
   */
  public record Item(String prompt, int outputTokens) {}

  /**
   * Lengths drawn from a log-normal distribution, in words of the prompt and tokens of the answer.
   */
  private record Lengths(double promptMean, double outputMean, double spread) {}

  /**
   * Requests whose lengths are spread as those of a data set: {@code sharegpt} (long conversations)
   * or {@code alpaca} (short instructions); means as in section 6.1 of Kwon et al. 2023.
   *
   * @param longest bounds prompt and answer each, so that a small model can be loaded too
   */
  public static List<Item> like(String name, int count, int longest, long seed) {
    Lengths lengths =
        switch (name) {
          case "sharegpt" -> new Lengths(161, 338, 1.0);
          case "alpaca" -> new Lengths(19, 58, 0.7);
          default ->
              throw new IllegalArgumentException(
                  "the workload must be sharegpt, alpaca or file; it is " + name);
        };
    Random random = new Random(seed);
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int words = draw(random, lengths.promptMean(), lengths.spread(), longest);
      int output = draw(random, lengths.outputMean(), lengths.spread(), longest);
      items.add(new Item(text(random, words), output));
    }
    return items;
  }

  private static int draw(Random random, double mean, double spread, int longest) {
    double value = mean * Math.exp(random.nextGaussian() * spread - spread * spread / 2);
    return Math.clamp(Math.round(value), 1, longest);
  }

  private static String text(Random random, int words) {
    String[] choices = WORDS.split(" ", -1);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append(i == 0 ? "" : " ").append(choices[random.nextInt(choices.length)]);
    }
    return text.toString();
  }

  /**
   * A file with a JSON object a line: {@code prompt} and, where wanted, {@code output_tokens}.
   *
   * @param usual tokens where a line does not say
   */
  public static List<Item> file(Path file, int count, int usual) throws IOException {
    List<Item> items = new ArrayList<>();
    JsonMapper mapper = new JsonMapper();
    for (String line : Files.readAllLines(file)) {
      if (!line.isBlank() && items.size() < count) {
        JsonNode entry = mapper.readTree(line);
        items.add(
            new Item(entry.path("prompt").asString(""), entry.path("output_tokens").asInt(usual)));
      }
    }
    return items;
  }
}
