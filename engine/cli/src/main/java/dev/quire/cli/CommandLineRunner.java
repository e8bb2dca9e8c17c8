package dev.quire.cli;

import dev.quire.cli.hub.HubException;
import dev.quire.engine.QuireException;
import dev.quire.tokenizer.TokenizerException;
import dev.quire.tokenizer.chat.ChatTemplateException;
import dev.quire.weights.WeightsException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Parses a command line, runs its command, and turns what went wrong into a line and a code. */
final class CommandLineRunner {
  static final int DONE = CommandLine.ExitCode.OK;
  static final int FAILED = CommandLine.ExitCode.SOFTWARE;
  static final int WRONG_USAGE = CommandLine.ExitCode.USAGE;

  private CommandLineRunner() {}

  /** Runs one command; returns the exit code. */
  static int run(Console console, String... args) {
    try (HeadStart _ = HeadStart.of(args)) {
      return parseAndRun(console, args);
    }
  }

  private static int parseAndRun(Console console, String... args) {
    RootCommand root = new RootCommand(CommandSpec.create());
    CommandLine line = new CommandLine(root);
    String asked = args.length > 0 ? args[0] : "";
    // A command costs reflection over its options: only the one that was asked for is set up.
    Callable<Integer> command = Commands.byName(asked, console);
    if (command != null) {
      add(line, asked, command, console);
    } else {
      for (String name : Commands.names()) {
        Callable<Integer> each = Commands.byName(name, console);
        if (each != null) {
          add(line, name, each, console);
        }
      }
    }
    line.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(
            console.terminals().out() ? CommandLine.Help.Ansi.AUTO : CommandLine.Help.Ansi.OFF));
    line.setParameterExceptionHandler((e, _) -> wrongUsage(console, e));
    line.setExecutionExceptionHandler((e, _, _) -> failed(console, e, root.verbose()));
    try {
      return line.execute(args);
    } catch (OutOfMemoryError e) {
      console.say("out of memory: " + e.getMessage());
      return FAILED;
    }
  }

  private static void add(
      CommandLine line, String name, Callable<Integer> command, Console console) {
    CommandLine added = new CommandLine(command);
    if (command instanceof BenchCommand) {
      added.addSubcommand("llama", new BenchLlamaCommand(console));
      added.addSubcommand("batched", new BenchBatchedCommand(console));
      added.addSubcommand("step", new BenchStepCommand(console));
      added.addSubcommand("kernels", new BenchKernelsCommand(console));
      added.addSubcommand("serve", new BenchServeCommand(console));
      added.addSubcommand("paper", new BenchPaperCommand(console));
    }
    line.addSubcommand(name, added);
  }

  private static int wrongUsage(Console console, ParameterException e) {
    String name = e.getCommandLine().getCommandSpec().qualifiedName();
    console.say(oneLine(text(e)) + " (" + name + " --help says what it takes)");
    return WRONG_USAGE;
  }

  private static int failed(Console console, Exception e, boolean verbose) {
    if (verbose) {
      console.out().flush();
      e.printStackTrace(console.err());
    }
    console.say(oneLine(message(e)));
    return e instanceof UsageError ? WRONG_USAGE : FAILED;
  }

  private static String message(Exception e) {
    return switch (e) {
      case UsageError u -> text(u);
      case Failure f -> text(f);
      case QuireException q -> q.message(Flags::of);
      case WeightsException w -> text(w);
      case HubException h -> text(h);
      case TokenizerException t -> text(t);
      case ChatTemplateException t -> text(t);
      case java.io.UncheckedIOException u when u.getCause() != null -> message(u.getCause());
      case NoSuchFileException n -> n.getFile() + ": no such file or folder";
      case AccessDeniedException a -> a.getFile() + ": permission denied";
      case FileSystemException f ->
          f.getFile() + ": " + (f.getReason() == null ? "cannot be used" : f.getReason());
      case IOException i -> text(i);
      case InvalidPathException p -> "not a file name: " + p.getInput();
      default -> e + " (unexpected; --verbose shows where)";
    };
  }

  private static String text(Exception e) {
    String message = e.getMessage();
    return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
