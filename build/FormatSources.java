import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/**
 * Formats every Java source below a folder with google-java-format, or checks that they are
 * formatted.
 *
 * <p>The build starts this file with the JDK that it compiles with, so that the newest syntax
 * parses whatever JVM runs Maven. Usage: {@code FormatSources.java --check|--write FOLDER}.
 */
final class FormatSources {
  public static void main(String[] args) throws Exception {
    boolean write = args[0].equals("--write");
    Path root = Path.of(args[1]);
    List<Path> sources;
    try (Stream<Path> walk = Files.walk(root)) {
      sources =
          walk.filter(p -> p.toString().endsWith(".java"))
              .filter(p -> !root.relativize(p).toString().contains("target"))
              .toList();
    }
    var wrong = new ConcurrentLinkedQueue<String>();
    sources.parallelStream()
        .forEach(
            source -> {
              String message = format(source, write);
              if (message != null) {
                wrong.add(root.relativize(source) + ": " + message);
              }
            });
    wrong.stream().sorted().forEach(System.err::println);
    if (!wrong.isEmpty() && !write) {
      System.err.println("Format them with: mvn validate -N -Dformat=--write");
      System.exit(1);
    }
  }

  private static String format(Path source, boolean write) {
    try {
      String before = Files.readString(source);
      var formatter = new Formatter(JavaFormatterOptions.defaultOptions());
      String after = RemoveUnusedImports.removeUnusedImports(before);
      after = ImportOrderer.reorderImports(after, JavaFormatterOptions.Style.GOOGLE);
      after = formatter.formatSource(after);
      if (after.equals(before)) {
        return null;
      }
      if (write) {
        Files.writeString(source, after);
        return "rewritten";
      }
      return "not formatted";
    } catch (IOException | com.google.googlejavaformat.java.FormatterException e) {
      return String.valueOf(e.getMessage());
    }
  }
}
