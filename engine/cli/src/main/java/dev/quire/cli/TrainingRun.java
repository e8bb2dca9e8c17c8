package dev.quire.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;

/** What the training process runs: a little of what people run first. */
final class TrainingRun {
  private static final List<String[]> COMMANDS =
      List.of(
          new String[] {"run", "-n", "24", "ROMEO:"},
          new String[] {"run", "--help"},
          new String[] {"serve", "--help"},
          new String[] {"bench", "llama", "--help"});

  private TrainingRun() {}

  static void run() {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    Console console = new Console(InputStream.nullInputStream(), nowhere, nowhere, Terminals.NONE);
    for (String[] command : COMMANDS) {
      CommandLineRunner.run(console, command);
    }
  }
}
