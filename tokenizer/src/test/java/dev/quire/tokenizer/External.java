package dev.quire.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Files that are too large, or not ours, to be in the repository; tests skip without them. */
public final class External {
  private External() {}

  /** A file of the external folder; skips the test if it is not there. */
  public static Path file(String name) {
    String named = System.getenv("QUIRE_EXTERNAL");
    Path folder =
        named != null
            ? Path.of(named)
            : Path.of(System.getProperty("quire.root", "..")).resolve("../shared/external");
    Path file = folder.resolve(name);
    Assumptions.assumeTrue(
        Files.exists(file), () -> "skipped: " + file + " is absent (set QUIRE_EXTERNAL)");
    return file;
  }
}
