package dev.quire.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** A conversation without a terminal: a turn a line, answers to stdout. */
final class PipedChat {
  private PipedChat() {}

  /** Returns the exit code. */
  static int run(Console console, ChatSession session) throws IOException {
    var lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
    try (var interruption = new Interruption(session::stop)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        boolean[] spoke = {false};
        boolean goesOn =
            session.take(
                line,
                text -> {
                  spoke[0] |= !text.isEmpty();
                  console.out().print(text);
                  console.out().flush();
                });
        if (spoke[0]) {
          console.out().println();
          console.out().flush();
        }
        if (!goesOn || interruption.happened()) {
          break;
        }
      }
      return interruption.exitCode();
    }
  }
}
