package dev.quire.tests.clients;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;

/** Programs that a test needs: without them it is skipped, or fails where they are required. */
final class Tools {
  private Tools() {}

  static Path require(String program) {
    String path = System.getenv("PATH");
    for (String folder : (path == null ? "" : path).split(File.pathSeparator)) {
      Path candidate = Path.of(folder, program);
      if (Files.isExecutable(candidate)) {
        return candidate;
      }
    }
    throw missing("there is no " + program + " on the PATH");
  }

  /** Skips, or fails where QUIRE_REQUIRE_CLIENTS is true. */
  static RuntimeException missing(String why) {
    if ("true".equals(System.getenv("QUIRE_REQUIRE_CLIENTS"))) {
      fail(why);
    }
    System.err.println("skipped: " + why + " (QUIRE_REQUIRE_CLIENTS=true makes this a failure)");
    abort(why);
    return new IllegalStateException(why);
  }

  static Path root() {
    String root = System.getProperty("quire.root");
    return Path.of(root == null ? ".." : root);
  }
}
