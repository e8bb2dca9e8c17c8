package dev.quire.weights.gguf;

import dev.quire.weights.WeightsException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of one of several files that make up a model: {@code stem-00001-of-00003.gguf}.
 *
 * @param first the path up to the number
 * @param number which file it is, from 1
 * @param parts how many there are
 */
public record SplitName(String first, int number, int parts) {
  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  /**
   * Takes a path apart.
   *
   * @throws WeightsException if it doesn't name one of {@code parts} files
   */
  public static SplitName of(Path path, int parts) {
    Matcher matcher = NAME.matcher(path.toString());
    if (!matcher.matches() || Integer.parseInt(matcher.group(3)) != parts) {
      throw WeightsException.in(
          path,
          "is one of %d files, so its name must end in -00001-of-%05d.gguf"
              .formatted(parts, parts));
    }
    return new SplitName(matcher.group(1), Integer.parseInt(matcher.group(2)), parts);
  }

  /** The path of another of these files. */
  public Path part(int wanted) {
    return Path.of("%s-%05d-of-%05d.gguf".formatted(first, wanted, parts));
  }
}
