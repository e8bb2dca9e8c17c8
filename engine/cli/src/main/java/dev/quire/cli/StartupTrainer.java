package dev.quire.cli;

import dev.quire.cli.launcher.JvmFlags;
import dev.quire.cli.launcher.Launcher;
import dev.quire.cli.launcher.StartupCache;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the archive that lets the next start be fast: after a command has ended, in a process of
 * its own that runs typical commands once and writes down the classes they loaded. Nothing waits
 * for it and nothing depends on it; a cache folder that cannot be written means a slower start, no
 * more.
 */
final class StartupTrainer {
  /** Set in the training process. */
  static final String TRAINING = "quire.training";

  private static final Duration ABANDONED = Duration.ofMinutes(5);
  private static final int ARCHIVES_KEPT = 3;
  private static final String CLAIM = ".making";

  /** Writes beside the archive and moves it there whole: a start never sees half of one. */
  private static final String TRAIN_AND_MOVE =
      "claim=$1 archive=$2; shift 2;"
          + " nice -n 10 \"$@\" && [ -s \"$claim\" ] && mv -f \"$claim\" \"$archive\";"
          + " rm -f \"$claim\"";

  private StartupTrainer() {}

  /** Starts the training process if this build has no archive yet and nobody is making one. */
  static void startWhereMissing() {
    Path shell = Path.of("/bin/sh");
    File jar = runningJar();
    if (jar == null || System.getProperty(TRAINING) != null || !Files.isExecutable(shell)) {
      return;
    }
    File archive = StartupCache.file(new File(System.getProperty("java.home")), jar);
    if (archive == null || archive.exists()) {
      return;
    }
    Path claim = Path.of(archive.getPath() + CLAIM);
    try {
      Path folder = Files.createDirectories(archive.getParentFile().toPath());
      if (claim(claim)) {
        deleteOld(folder);
        deleteAbandoned(folder);
        start(shell, jar, archive.toPath(), claim);
      }
    } catch (IOException e) {
      // A read-only home, a full disk: the next start is as fast as this one was.
    }
  }

  private static void start(Path shell, File jar, Path archive, Path claim) throws IOException {
    List<String> command = new ArrayList<>();
    Path setsid = Path.of("/usr/bin/setsid");
    if (Files.isExecutable(setsid)) {
      command.add(setsid.toString()); // a Ctrl-C meant for the next command is not meant for it
    }
    command.addAll(List.of(shell.toString(), "-c", TRAIN_AND_MOVE, "quire"));
    command.addAll(List.of(claim.toString(), archive.toString()));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(JvmFlags.base());
    command.add("-XX:ArchiveClassesAtExit=" + claim);
    command.add("-D" + TRAINING + "=true");
    command.add("-jar");
    command.add(jar.getPath());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(new File("/"));
    builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.start();
  }

  /** Whether this process is the one to make the archive: the file is made by one alone. */
  private static boolean claim(Path claim) throws IOException {
    try {
      Files.createFile(claim);
      return true;
    } catch (FileAlreadyExistsException e) {
      Instant since = Files.getLastModifiedTime(claim).toInstant();
      if (since.isBefore(Instant.now().minus(ABANDONED))) {
        Files.deleteIfExists(claim);
      }
      return false;
    }
  }

  /** Claims of processes that were ended half-way, also those of builds that are gone. */
  private static void deleteAbandoned(Path folder) throws IOException {
    Instant limit = Instant.now().minus(ABANDONED);
    List<Path> claims;
    try (Stream<Path> files = Files.list(folder)) {
      claims =
          files
              .filter(file -> file.toString().endsWith(CLAIM))
              .filter(Files::isRegularFile)
              .toList();
    }
    for (Path claim : claims) {
      if (Files.getLastModifiedTime(claim).toInstant().isBefore(limit)) {
        Files.deleteIfExists(claim);
      }
    }
  }

  private static void deleteOld(Path folder) throws IOException {
    List<File> archives;
    try (Stream<Path> files = Files.list(folder)) {
      archives =
          files
              .filter(file -> file.getFileName().toString().matches("startup-.*[.]jsa"))
              .map(Path::toFile)
              .sorted(Comparator.comparingLong(File::lastModified).reversed())
              .toList();
    }
    for (File old :
        archives.subList(Math.min(ARCHIVES_KEPT - 1, archives.size()), archives.size())) {
      Files.deleteIfExists(old.toPath());
    }
  }

  /** The jar that this class came from; null when it runs from a folder of classes. */
  private static @Nullable File runningJar() {
    try {
      File jar =
          new File(Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      return jar.isFile() ? jar.getAbsoluteFile() : null;
    } catch (URISyntaxException e) {
      return null;
    }
  }
}
