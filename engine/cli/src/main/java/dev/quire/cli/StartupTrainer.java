package dev.quire.cli;

import dev.quire.cli.launcher.JvmFlags;
import dev.quire.cli.launcher.StartupCache;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes the archive that lets the next start be fast: after a command has ended, in a process of its
 * own that runs typical commands once and writes down the classes they loaded. Nothing waits for it
 * and nothing depends on it; a cache folder that cannot be written means a slower start, no more.
 */
final class StartupTrainer {
  /** Set in the training process. */
  static final String TRAINING = "quire.training";

  private static final Duration ABANDONED = Duration.ofMinutes(5);
  private static final int ARCHIVES_KEPT = 3;

  private StartupTrainer() {}

  /** Starts the training process if this build has no archive yet and nobody is making one. */
  static void startWhereMissing() {
    File jar = runningJar();
    if (jar == null || System.getProperty(TRAINING) != null) {
      return;
    }
    File archive = StartupCache.file(new File(System.getProperty("java.home")), jar);
    if (archive == null || archive.exists()) {
      return;
    }
    try {
      Path folder = archive.toPath().getParent();
      Files.createDirectories(folder);
      Path claim = claim(archive.toPath());
      if (claim == null) {
        return;
      }
      List<String> command = new ArrayList<>();
      Path setsid = Path.of("/usr/bin/setsid");
      if (Files.isExecutable(setsid)) {
        command.add(setsid.toString()); // a Ctrl-C meant for the next command is not meant for it
      }
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(JvmFlags.base());
      command.add("-XX:ArchiveClassesAtExit=" + claim);
      command.add("-D" + TRAINING + "=" + archive);
      command.add("-jar");
      command.add(jar.getPath());
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.start();
    } catch (IOException e) {
      // A read-only home, a full disk: the next start is as fast as this one was.
    }
  }
}
