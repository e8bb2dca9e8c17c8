package dev.quire.cli.launcher;

import java.io.File;
import org.jspecify.annotations.Nullable;

/**
 * Where the archive of loaded classes lies that lets a JVM start faster: in the user's cache
 * folder, named by size and time of the jar and of the runtime's own classes, so that a new build
 * or a new JDK gets a new one. The JVM checks the same once more and ignores an archive that does
 * not fit.
 */
public final class StartupCache {
  private StartupCache() {}

  /** The archive of this runtime and jar, there or not; null if the user wants none. */
  public static @Nullable File file(File javaHome, File jar) {
    File folder = folder();
    File modules = new File(javaHome, "lib" + File.separator + "modules");
    if (folder == null || !jar.isFile()) {
      return null;
    }
    return new File(folder, "startup-" + stamp(jar) + "-" + stamp(modules) + ".jsa");
  }

  /**
   * The user's cache folder of Quire; null where QUIRE_CACHE says {@code off}. QUIRE_CACHE names
   * another folder.
   */
  public static @Nullable File folder() {
    String own = System.getenv("QUIRE_CACHE");
    if (own != null && !own.isEmpty()) {
      return own.equals("off") ? null : new File(own);
    }
    String xdg = System.getenv("XDG_CACHE_HOME");
    if (xdg != null && !xdg.isEmpty()) {
      return new File(xdg, "quire");
    }
    String home = System.getenv("HOME");
    if (home == null || home.isEmpty()) {
      home = System.getProperty("user.home");
    }
    String system = System.getProperty("os.name", "");
    if (system.startsWith("Mac")) {
      return new File(home, "Library/Caches/quire");
    }
    String local = System.getenv("LOCALAPPDATA");
    if (system.startsWith("Windows") && local != null) {
      return new File(local, "quire\\cache");
    }
    return new File(home, ".cache/quire");
  }

  private static String stamp(File file) {
    return file.length() + "-" + file.lastModified() / 1000;
  }
}
