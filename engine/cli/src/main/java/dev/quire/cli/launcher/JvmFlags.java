package dev.quire.cli.launcher;

import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** The flags of a JVM that runs Quire. The script {@code quire} gives the same. */
public final class JvmFlags {
  private JvmFlags() {}

  /**
   * @param home the runtime to start
   * @param jar the runnable jar
   * @param addModules whether the vector module must be named on the command line
   */
  static List<String> of(JavaHome home, File jar, boolean addModules) {
    List<String> flags = new ArrayList<String>();
    flags.addAll(base());
    File cache = StartupCache.file(home.folder, jar);
    if (cache != null && cache.isFile()) {
      flags.add("-XX:SharedArchiveFile=" + cache.getPath());
    }
    if (addModules) {
      flags.add("--add-modules=jdk.incubator.vector");
    }
    return flags;
  }

  /**
   * What every JVM of ours gets: the collector that starts fastest (weights and KV cache are off
   * the heap, a step allocates next to nothing), and silence of the JVM's own log, which would go
   * to stdout when a startup cache does not fit.
   */
  public static List<String> base() {
    List<String> flags = new ArrayList<String>();
    flags.add("-XX:+UseSerialGC");
    flags.add("-Xshare:auto");
    flags.add("-Xlog:disable");
    flags.add("-D" + Launcher.LAUNCHED + "=true");
    return flags;
  }

  /** The user's own flags, QUIRE_JAVA_OPTS, separated by blanks. */
  static List<String> fromEnvironment() {
    List<String> flags = new ArrayList<String>();
    String options = System.getenv("QUIRE_JAVA_OPTS");
    if (options != null) {
      for (String flag : options.trim().split("\\s+", -1)) {
        if (!flag.isEmpty()) {
          flags.add(flag);
        }
      }
    }
    return flags;
  }
}
