package dev.quire.cli.launcher;

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An installed Java runtime and its feature release. */
final class JavaHome {
  /** The folder with {@code bin/java}. */
  final File folder;

  /** The feature release: 8, 17, 25. */
  final int major;

  private JavaHome(File folder, int major) {
    this.folder = folder;
    this.major = major;
  }

  /** The runtime that runs this code. */
  static JavaHome running() {
    return new JavaHome(
        new File(System.getProperty("java.home")),
        major(System.getProperty("java.specification.version")));
  }

  /**
   * The runtime to use: JAVA_HOME and PATH first, as the user chose them; else, of what is
   * installed where installers put it, the lowest release that suffices.
   */
  static @Nullable JavaHome find(int atLeast) {
    List<File> chosen = new ArrayList<File>();
    addIfSet(chosen, System.getenv("JAVA_HOME"));
    String path = System.getenv("PATH");
    if (path != null) {
      for (String folder : path.split(File.pathSeparator, -1)) {
        File java = new File(folder, executable());
        if (!folder.isEmpty() && java.isFile()) {
          try {
            chosen.add(java.getCanonicalFile().getParentFile().getParentFile());
          } catch (IOException e) {
            // A link that leads nowhere is no runtime.
          }
        }
      }
    }
    for (File folder : chosen) {
      JavaHome home = at(folder);
      if (home != null && home.major >= atLeast) {
        return home;
      }
    }
    JavaHome best = null;
    for (File parent : installFolders()) {
      File[] children = parent.listFiles();
      if (children == null) {
        continue;
      }
      for (File child : children) {
        JavaHome home = at(child);
        if (home == null) {
          home = at(new File(child, "Contents/Home"));
        }
        if (home != null && home.major >= atLeast && (best == null || home.major < best.major)) {
          best = home;
        }
      }
    }
    return best;
  }

  File java() {
    return new File(folder, "bin" + File.separator + executable());
  }

  private static List<File> installFolders() {
    List<File> folders = new ArrayList<File>();
    folders.add(new File("/usr/lib/jvm"));
    folders.add(new File("/usr/lib64/jvm"));
    folders.add(new File("/usr/java"));
    folders.add(new File("/opt/java"));
    folders.add(new File("/opt"));
    folders.add(new File("/Library/Java/JavaVirtualMachines"));
    folders.add(new File("/opt/homebrew/opt"));
    String home = System.getProperty("user.home");
    folders.add(new File(home, ".sdkman/candidates/java"));
    folders.add(new File(home, ".jdks"));
    folders.add(new File(home, ".gradle/jdks"));
    folders.add(new File(home, ".local/share/mise/installs/java"));
    folders.add(new File(home, ".asdf/installs/java"));
    folders.add(new File(home, "Library/Java/JavaVirtualMachines"));
    String programs = System.getenv("ProgramFiles");
    if (programs != null) {
      folders.add(new File(programs, "Java"));
      folders.add(new File(programs, "Eclipse Adoptium"));
      folders.add(new File(programs, "Microsoft"));
      folders.add(new File(programs, "Zulu"));
    }
    return folders;
  }

  /** The runtime in a folder, by its {@code release} file; null if there is none. */
  private static @Nullable JavaHome at(File folder) {
    File release = new File(folder, "release");
    if (!new File(folder, "bin" + File.separator + executable()).isFile()) {
      return null;
    }
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(new FileInputStream(release), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("JAVA_VERSION=")) {
          return new JavaHome(folder, major(line.substring(13).replace("\"", "")));
        }
      }
    } catch (IOException | NumberFormatException e) {
      // Not a runtime that says what it is.
    }
    return null;
  }

  /** The feature release of "1.8.0_402", "17.0.15", "26-ea". */
  private static int major(String version) {
    String text = version.startsWith("1.") ? version.substring(2) : version;
    int end = 0;
    while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      end++;
    }
    return Integer.parseInt(text.substring(0, end));
  }

  private static void addIfSet(List<File> folders, @Nullable String folder) {
    if (folder != null && !folder.isEmpty()) {
      folders.add(new File(folder));
    }
  }

  private static String executable() {
    return File.separatorChar == '\\' ? "java.exe" : "java";
  }
}
