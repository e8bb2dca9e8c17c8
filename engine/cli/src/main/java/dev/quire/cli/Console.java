package dev.quire.cli;

import java.io.InputStream;
import java.io.PrintStream;

/**
 * What a command reads and writes. What was asked for goes to {@code out}, alone; everything that
 * is said about it goes to {@code err}.
 */
record Console(InputStream in, PrintStream out, PrintStream err, Terminals terminals) {
  /** One line to the user, on stderr. */
  void say(String line) {
    out.flush();
    err.println("quire: " + line);
  }
}
