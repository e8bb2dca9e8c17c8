package dev.quire.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which of the process's streams are terminals: what decides on progress bars and prompts. */
record Terminals(boolean in, boolean out, boolean err) {
  static final Terminals NONE = new Terminals(false, false, false);

  /**
   * Asks the system. Java tells only of stdin and stdout together; Linux tells of each where its
   * links lead.
   */
  @SuppressWarnings("SystemConsoleNull") // null again since JDK 25, unless JLine is asked for
  static Terminals ofProcess() {
    if (Files.isDirectory(Path.of("/proc/self/fd"))) {
      return new Terminals(leadsToTerminal(0), leadsToTerminal(1), leadsToTerminal(2));
    }
    boolean both = System.console() != null && System.console().isTerminal();
    return new Terminals(both, both, both);
  }

  private static boolean leadsToTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }
}
