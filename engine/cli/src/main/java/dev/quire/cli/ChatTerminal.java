package dev.quire.cli;

import dev.quire.cli.launcher.StartupCache;
import java.io.File;
import java.io.IOException;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** A conversation at a terminal: line editing, history across sessions, Ctrl-C for the answer. */
final class ChatTerminal {
  private ChatTerminal() {}

  static void run(Console console, ChatSession session) throws IOException {
    try (Terminal terminal = TerminalBuilder.builder().name("quire").system(true).build()) {
      terminal.handle(Terminal.Signal.INT, _ -> session.stop());
      LineReaderBuilder builder =
          LineReaderBuilder.builder()
              .terminal(terminal)
              .completer(new StringsCompleter("/help", "/reset", "/system", "/stats", "/exit"))
              .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true);
      File folder = StartupCache.folder();
      if (folder != null) {
        builder.variable(LineReader.HISTORY_FILE, new File(folder, "chat-history").toPath());
      }
      LineReader reader = builder.build();
      console.say("/help lists commands; Ctrl-D leaves");
      while (true) {
        String line;
        try {
          line = reader.readLine("> ");
        } catch (UserInterruptException e) {
          continue; // Ctrl-C at the prompt drops the line
        } catch (EndOfFileException e) {
          return;
        }
        boolean goesOn =
            session.take(
                line,
                text -> {
                  terminal.writer().print(text);
                  terminal.flush();
                });
        terminal.writer().println();
        terminal.flush();
        if (!goesOn) {
          return;
        }
      }
    }
  }
}
