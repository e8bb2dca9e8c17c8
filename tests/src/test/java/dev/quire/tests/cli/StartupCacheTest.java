package dev.quire.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive of classes that starts make for later starts. */
class StartupCacheTest {
  private static final String[] QUICK = {"tokenize", "Good morrow"};

  @TempDir private Path folder;

  @Test
  void firstStartsAtOnceMakeOneArchiveAndTheCacheStaysSmall() throws Exception {
    Path cache = Files.createDirectories(folder.resolve("home/.cache/quire"));
    for (int i = 0; i < 6; i++) {
      age(Files.writeString(cache.resolve("startup-" + i + "-1-2-3.jsa"), "old"), i + 1);
    }
    age(Files.createFile(cache.resolve("startup-0-1-2-3.jsa.making")), 1);
    List<Launch> launches = new ArrayList<>();
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Launch launch =
          Launch.in(Files.createDirectories(folder.resolve("start" + i)))
              .withCache()
              .environment("HOME", folder.resolve("home").toString());
      launches.add(launch);
      processes.add(launch.start(QUICK));
    }
    String expected = Launch.in(folder).run(QUICK).out();
    for (int i = 0; i < launches.size(); i++) {
      Launch.Outcome outcome = launches.get(i).end(processes.get(i)).exits(0);
      assertThat(outcome.out()).isEqualTo(expected);
      assertThat(outcome.err()).isEmpty();
    }
    Path archive = awaitArchive(cache);
    try (Stream<Path> files = Files.list(cache)) {
      assertThat(files).hasSizeLessThanOrEqualTo(3).contains(archive);
    }

    Launch second =
        Launch.in(folder)
            .withCache()
            .environment("HOME", folder.resolve("home").toString())
            .flag("-Xshare:auto")
            .flag("-Xlog:disable")
            .flag("-XX:SharedArchiveFile=" + archive);
    assertThat(second.run(QUICK)).isEqualTo(new Launch.Outcome(0, expected, ""));
    // A damaged one is no reason not to start, nor to say a word.
    Files.writeString(archive, "damaged");
    assertThat(second.run(QUICK)).isEqualTo(new Launch.Outcome(0, expected, ""));
  }

  @Test
  void aHomeThatCannotBeWrittenIsNoMatter() throws IOException {
    Path noFolder = Files.createFile(folder.resolve("file"));
    Launch.Outcome outcome =
        Launch.in(folder).withCache().environment("HOME", noFolder.toString()).run(QUICK).exits(0);
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("[");
    assertThat(noFolder).isEmptyFile();
  }

  private static void age(Path file, int days) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(days))));
  }

  /** The archive of this build, made in the background after a first start. */
  private static Path awaitArchive(Path cache) throws Exception {
    for (int i = 0; i < 1800; i++) {
      try (Stream<Path> files = Files.list(cache)) {
        List<Path> all = files.toList();
        List<Path> made =
            all.stream().filter(file -> !file.toString().endsWith("-1-2-3.jsa")).toList();
        if (made.size() == 1 && made.getFirst().toString().endsWith(".jsa")) {
          return made.getFirst();
        }
      }
      Thread.sleep(100);
    }
    throw new AssertionError("no archive after three minutes");
  }
}
