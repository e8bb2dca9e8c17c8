package dev.quire.cli.launcher;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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

  /** Set in the JVM that this one started on TornadoVM's SDK. */
  static final String TORNADO = "quire.tornado";

  /** Names the folder of kernels that earlier processes compiled. */
  private static final String KERNEL_CACHE = "quire.kernels.cache";

  private Launcher() {}

  /** Starts the command line; ends the JVM with the command's exit code. */
  public static void main(String[] args) {
    boolean launched = System.getProperty(LAUNCHED) != null;
    if (JavaHome.running().major < REQUIRED_JAVA) {
      System.exit(launched ? refuse(null) : inChild(JavaHome.find(REQUIRED_JAVA), args));
    }
    String device = DeviceArgument.of(args);
    if (tornadoWanted(device)) {
      onTornado(device, args);
    }
    if (loadVectorModule() || launched) {
      runHere(args);
    } else {
      System.exit(inChild(JavaHome.running(), args));
    }
  }

  /** Whether a JVM on the SDK must take over: the SDK never enters one for other devices. */
  private static boolean tornadoWanted(String device) {
    String home = System.getenv(TornadoHome.VARIABLE);
    boolean gpu = device.equals("gpu") || (device.equals("auto") && nvidiaDevice());
    return gpu
        && home != null
        && !home.isEmpty()
        && System.getProperty(TORNADO) == null
        && !loads("uk.ac.manchester.tornado.runtime.TornadoCoreRuntime");
  }

  /** As GpuDevice has it, a class that an older Java cannot load. */
  private static boolean nvidiaDevice() {
    return new File("/dev/nvidiactl").exists()
        || new File("/proc/driver/nvidia/version").exists()
        || new File("/usr/lib/wsl/lib/libcuda.so.1").exists(); // Windows' driver, from within WSL
  }

  /** Ends this JVM with the child's exit code; returns only where auto must do without the GPU. */
  private static void onTornado(String device, String[] args) {
    TornadoHome sdk = new TornadoHome(new File(System.getenv(TornadoHome.VARIABLE)));
    try {
      String backend = sdk.backend();
      JavaHome java = JavaHome.running();
      if (java.major != REQUIRED_JAVA) {
        throw new IOException(
            "TornadoVM's SDK is for Java "
                + REQUIRED_JAVA
                + ", this is Java "
                + java.major
                + "; point JAVA_HOME to a JDK "
                + REQUIRED_JAVA);
      }
      List<String> command = new ArrayList<String>();
      command.add(java.java().getPath());
      for (String flag : JvmFlags.base()) {
        if (!flag.equals("-XX:+UseSerialGC")) {
          command.add(flag);
        }
      }
      command.addAll(sdk.flags(backend, TornadoHome.deviceMebibytes()));
      File driver = sdk.cudaDriver(backend);
      if (driver != null) {
        command.addAll(
            DriverPatch.flags(driver, StartupCache.folder(), System.getenv(DriverPatch.VARIABLE)));
      }
      command.addAll(GraphPatch.flags(sdk.runtime(), StartupCache.folder()));
      command.add("-D" + TORNADO + "=" + backend);
      File cache = StartupCache.folder();
      if (cache != null) {
        command.add("-D" + KERNEL_CACHE + "=" + new File(cache, "kernels"));
      }
      command.addAll(JvmFlags.fromEnvironment());
      command.add("-jar");
      command.add(jar().getPath());
      command.addAll(Arrays.asList(args));
      System.exit(ChildJvm.run(command, true, TornadoHome.environment(System.getenv())));
    } catch (IOException e) {
      boolean asked = device.equals("gpu");
      System.err.println(
          "quire: --device " + device + (asked ? ": " : " takes the CPU: ") + e.getMessage());
      if (asked) {
        System.exit(1);
      }
    }
  }

  private static boolean loads(String type) {
    try {
      Class.forName(type, false, ClassLoader.getSystemClassLoader());
      return true;
    } catch (ClassNotFoundException absent) {
      return false;
    }
  }

  private static File jar() throws IOException {
    try {
      return new File(Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException("cannot tell where the jar is: " + e.getMessage(), e);
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
    if (loads("jdk.incubator.vector.Vector")) {
      return true;
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
      File jar = jar();
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
      return ChildJvm.run(command, addModules, Collections.<String, String>emptyMap());
    } catch (IOException e) {
      System.err.println("quire: cannot start " + home.java() + ": " + e.getMessage());
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
