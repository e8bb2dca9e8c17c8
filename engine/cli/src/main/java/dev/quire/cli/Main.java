package dev.quire.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Where the launcher goes once the JVM is right. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    // Text and JSON leave as UTF-8 whatever the locale says, in as few writes as flushes.
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    System.setOut(out);
    System.setErr(err);
    Console console = new Console(System.in, out, err, Terminals.ofProcess());
    if (System.getProperty(StartupTrainer.TRAINING) != null) {
      TrainingRun.run();
      return;
    }
    int exitCode = CommandLineRunner.run(console, arguments(args));
    out.flush();
    err.flush();
    StartupTrainer.startWhereMissing();
    ProcessEnd.with(out.checkError() && exitCode == 0 ? 1 : exitCode);
  }

  /**
   * The arguments as typed. In the C locale the JVM reads anything but ASCII as replacement
   * characters; Linux keeps the bytes.
   */
  private static String[] arguments(String[] args) {
    Path commandLine = Path.of("/proc/self/cmdline");
    if (Arrays.stream(args).noneMatch(arg -> arg.indexOf('\uFFFD') >= 0)
        || Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"))
            .equals(StandardCharsets.UTF_8)
        || !Files.isReadable(commandLine)) {
      return args;
    }
    try {
      String[] all = Files.readString(commandLine).split("\0", -1);
      // The last field is empty: every argument ends with a zero byte.
      int end = all.length - 1;
      return end < args.length ? args : Arrays.copyOfRange(all, end - args.length, end);
    } catch (IOException e) {
      return args;
    }
  }
}
