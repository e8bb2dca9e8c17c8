package dev.quire.cli.launcher;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The jar's main class. Runs the commands in this JVM when it can, and in a child JVM when it must:
 * because this one is too old, or because it reads the vector API only from its command line.
 *
 * <p>Everything in this package is compiled for Java 8 and kept small, so that an old JVM loads it
 * and says something useful, and a new one loses no time in it.
 */
public final class Launcher {
  /** Set where a launcher or the script has already chosen JVM and flags. */
  public static final String LAUNCHED = "quire.launched";

  /** The oldest Java release that runs Quire. */
  static final int REQUIRED_JAVA = 25;

  private Launcher() {}

  /** Starts the command line; ends the JVM with the command's exit code. */
  public static void main(String[] args) {
    boolean launched = System.getProperty(LAUNCHED) != null;
    if (JavaHome.running().major < REQUIRED_JAVA) {
      System.exit(launched ? refuse(null) : inChild(JavaHome.find(REQUIRED_JAVA), args));
    } else if (loadVectorModule() || launched) {
      runHere(args);
    } else {
      System.exit(inChild(JavaHome.running(), args));
    }
  }

  /**
   * Makes {@code jdk.incubator.vector} visible. Loaded by the JDK's own dynamic loading (the one
   * that serves agents) it costs no line of warning and no second JVM; a release without that door
   * gets a child JVM with {@code --add-modules}.
   *
   * @return false if only the command line can add the module
   */
  private static boolean loadVectorModule() {
    try {
      Class.forName("jdk.incubator.vector.Vector", false, ClassLoader.getSystemClassLoader());
      return true;
    } catch (ClassNotFoundException notYet) {
      // Neither on the command line nor loaded.
    }
    try {
      Class.forName("jdk.internal.module.Modules")
          .getMethod("loadModule", String.class)
          .invoke(null, "jdk.incubator.vector");
      return true;
    } catch (InvocationTargetException noSuchModule) {
      // A trimmed JDK: no command line would help. The engine computes without vectors and says so.
      return true;
    } catch (ReflectiveOperationException | LinkageError closed) {
      return false;
    }
  }

  private static void runHere(String[] args) {
    try {
      Class.forName("dev.quire.cli.Main")
          .getMethod("main", String[].class)
          .invoke(null, (Object) args);
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      System.err.println("quire: " + cause);
      System.exit(1);
    } catch (ReflectiveOperationException e) {
      System.err.println("quire: the jar is incomplete: " + e);
      System.exit(1);
    }
  }

  private static int inChild(@Nullable JavaHome home, String[] args) {
    if (home == null) {
      return refuse(System.getProperty("java.home"));
    }
    try {
      File jar =
          new File(Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      boolean addModules = home.major > REQUIRED_JAVA;
      List<String> command = new ArrayList<String>();
      command.add(home.java().getPath());
      command.addAll(JvmFlags.of(home, jar, addModules));
      for (String flag : JvmFlags.fromEnvironment()) {
        command.add(flag);
      }
      command.add("-jar");
      command.add(jar.getPath());
      for (String arg : args) {
        command.add(arg);
      }
      return ChildJvm.run(command, addModules);
    } catch (IOException e) {
      System.err.println("quire: cannot start " + home.java() + ": " + e.getMessage());
      return 1;
    } catch (URISyntaxException e) {
      System.err.println("quire: cannot tell where its jar is: " + e.getMessage());
      return 1;
    }
  }

  private static int refuse(@Nullable String home) {
    System.err.println(
        "quire: needs Java "
            + REQUIRED_JAVA
            + " or later, this is Java "
            + System.getProperty("java.version")
            + (home == null ? "" : " in " + home)
            + "; no newer one was found on this machine. Install one, for example from"
            + " https://adoptium.net, or point JAVA_HOME to it.");
    return 1;
  }
}
