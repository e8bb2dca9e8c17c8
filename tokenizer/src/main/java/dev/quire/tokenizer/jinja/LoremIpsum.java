package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Jinja's {@code lipsum}: paragraphs of random words, to try a template with. */
final class LoremIpsum {
  private static final Given.Parameters PARAMETERS =
      Given.Parameters.of("generate_lorem_ipsum n html min max");
  private static final List<String> WORDS =
      List.of(
          ("a ac accumsan ad adipiscing aenean aliquam amet ante aptent arcu at auctor augue"
                  + " bibendum blandit commodo congue consectetuer consequat convallis cras cubilia"
                  + " curae cursus dapibus diam dictum dignissim dis dolor donec dui duis egestas eget"
                  + " eleifend elit enim erat eros est et etiam eu euismod facilisi fames faucibus"
                  + " felis fermentum fusce gravida habitant hac hendrerit iaculis id imperdiet in"
                  + " integer ipsum justo lacus laoreet lectus leo libero ligula lobortis lorem luctus"
                  + " maecenas magna malesuada massa mattis mauris metus mi molestie mollis morbi nam"
                  + " nec neque nibh nisi nisl non nulla nunc odio orci ornare pede pellentesque"
                  + " pharetra placerat porta posuere pretium proin pulvinar purus quam quis rhoncus"
                  + " risus rutrum sagittis sapien sed sem semper sit sociis sodales sollicitudin"
                  + " suscipit taciti tellus tempor tincidunt tortor tristique turpis ullamcorper"
                  + " ultrices urna ut varius vehicula vel velit venenatis vestibulum vitae vivamus"
                  + " viverra volutpat vulputate")
              .split(" "));

  private LoremIpsum() {}

  static Object text(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    Given given = PARAMETERS.bind(positional, named);
    boolean html = Values.truth(given.get("html", true));
    int least = given.count("min", 20);
    int most = given.count("max", 100);
    if (most <= least) {
      throw new JinjaException(
          "empty range for randrange() (%d, %d, %d)".formatted(least, most, most - least));
    }
    List<String> paragraphs = new ArrayList<>();
    long size = 0;
    for (int i = 0; i < given.count("n", 5); i++) {
      String paragraph = paragraph(ThreadLocalRandom.current().nextInt(least, most));
      paragraphs.add(html ? "<p>" + paragraph + "</p>" : paragraph);
      size += paragraph.length();
      if (size > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    String text = String.join(html ? "\n" : "\n\n", paragraphs);
    return html ? new Safe(text) : text;
  }

  /** Sentences with commas, the last one ended; no word stands twice in a row. */
  private static String paragraph(int words) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    StringBuilder out = new StringBuilder();
    String last = "";
    boolean capital = true;
    int comma = random.nextInt(3, 8);
    int stop = random.nextInt(10, 20);
    for (int i = 0; i < words; i++) {
      String word = last;
      while (word.equals(last)) {
        word = WORDS.get(random.nextInt(WORDS.size()));
      }
      last = word;
      out.append(i == 0 ? "" : " ").append(capital ? StringMethods.capitalize(word) : word);
      boolean end = i == words - 1 || --stop == 0;
      capital = end;
      if (end) {
        out.append('.');
        stop = random.nextInt(10, 20);
      } else if (--comma <= 0) {
        out.append(',');
        comma = random.nextInt(3, 8);
      }
    }
    return words == 0 ? "." : out.toString();
  }
}
