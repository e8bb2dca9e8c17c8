package dev.quire.cli.launcher;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A TornadoVM SDK: whether it is whole, and the flags of a JVM that runs on it. */
final class TornadoHome {
  /** Where users say which SDK it is. */
  static final String VARIABLE = "TORNADOVM_HOME";

  private static final String[] BACKENDS = {"cuda", "ptx"};
  private static final String JARS = "share/java/tornado";
  private static final String COMPILER_JARS = "share/java/graalJars";
  private static final String API = "tornado-api-";

  /** The release that the kernels are written for. */
  private static final int LEAST_MAJOR = 5;

  private static final int LEAST_MINOR = 2;

  private static final String PREFIX = "uk.ac.manchester.tornado.";

  // What Quire's executor changes of TornadoVM: the size of a graph, and whose code tasks share.
  private static final String[] OPENED = {
    "api/" + PREFIX + "api",
    "runtime/" + PREFIX + "runtime.tasks",
    "runtime/" + PREFIX + "runtime.graph"
  };

  private final File folder;

  TornadoHome(File folder) {
    this.folder = folder;
  }

  /**
   * The backend to load: one alone, since a driver whose native library is missing ends the JVM.
   *
   * @throws IOException with what is wrong and what to do, in one line
   */
  String backend() throws IOException {
    if (!folder.isDirectory()) {
      throw new IOException(VARIABLE + "=" + folder + " is no folder; point it to TornadoVM's SDK");
    }
    File named = new File(folder, "etc/tornado.backend");
    if (!named.isFile() || !new File(folder, JARS).isDirectory()) {
      throw new IOException(
          VARIABLE
              + "="
              + folder
              + " holds no TornadoVM SDK: "
              + (named.isFile() ? JARS : "etc/tornado.backend")
              + " is missing; point it to the folder that has bin, etc, lib and share");
    }
    String backends = new String(Files.readAllBytes(named.toPath()), StandardCharsets.UTF_8);
    for (String backend : BACKENDS) {
      if (backends.contains(backend + "-backend")) {
        String version = version();
        require(jar("tornado-runtime-" + version), "tornado-runtime-" + version);
        String driver = "tornado-drivers-" + backend + "-" + version;
        require(jar(driver), driver);
        require(new File(folder, "lib/libtornado-" + backend + ".so"), "its native library");
        File compiler = jar(COMPILER_JARS, "compiler-");
        require(compiler, "the compiler", COMPILER_JARS);
        require(exports("common"), "its list of exports");
        require(exports(backend), "its list of exports");
        return backend;
      }
    }
    throw new IOException(
        VARIABLE
            + "="
            + folder
            + " is built for "
            + backends.trim().replaceFirst("^[^=]*=", "")
            + "; Quire needs the cuda backend (or ptx)");
  }

  /**
   * The version in the name of the API's jar.
   *
   * @throws IOException if Quire's kernels need a later one, or one for another Java
   */
  private String version() throws IOException {
    File api = jar(API);
    require(api, "tornado-api");
    String name = api == null ? "" : api.getName();
    String version = name.substring(API.length(), name.length() - ".jar".length());
    Matcher numbers = Pattern.compile("(\\d+)\\.(\\d+).*?(?:jdk(\\d+).*)?").matcher(version);
    if (numbers.matches()) {
      int major = Integer.parseInt(numbers.group(1));
      int minor = Integer.parseInt(numbers.group(2));
      String java = numbers.group(3);
      boolean old = major < LEAST_MAJOR || (major == LEAST_MAJOR && minor < LEAST_MINOR);
      if (old || (java != null && Integer.parseInt(java) != Launcher.REQUIRED_JAVA)) {
        throw new IOException(
            VARIABLE
                + "="
                + folder
                + " is TornadoVM "
                + version
                + "; Quire needs "
                + LEAST_MAJOR
                + "."
                + LEAST_MINOR
                + " or later for JDK "
                + Launcher.REQUIRED_JAVA);
      }
    }
    return version;
  }

  private void require(@Nullable File file, String what) throws IOException {
    require(file, what, JARS);
  }

  private void require(@Nullable File file, String what, String where) throws IOException {
    if (file == null || !file.exists()) {
      throw new IOException(
          VARIABLE
              + "="
              + folder
              + " is incomplete: "
              + what
              + (file == null ? " is missing in " + where : " is missing: " + file)
              + "; install the SDK anew");
    }
  }

  private @Nullable File jar(String prefix) {
    return jar(JARS, prefix);
  }

  private @Nullable File jar(String where, String prefix) {
    for (File file : files(where)) {
      if (file.getName().startsWith(prefix)) {
        return file;
      }
    }
    return null;
  }

  private List<File> files(String where) {
    File[] files = new File(folder, where).listFiles();
    List<File> jars = new ArrayList<File>();
    if (files != null) {
      Arrays.sort(files);
      for (File file : files) {
        if (file.getName().endsWith(".jar")) {
          jars.add(file);
        }
      }
    }
    return jars;
  }

  /** The jar of the cuda backend's driver; null where there is none or another is used. */
  @Nullable File cudaDriver(String backend) {
    return backend.equals("cuda") ? jar("tornado-drivers-cuda-") : null;
  }

  /** The runtime's jar, or null. */
  @Nullable File runtime() {
    return jar("tornado-runtime-");
  }

  private File exports(String of) {
    return new File(folder, "etc/exportLists/" + of + "-exports");
  }

  /**
   * The flags that TornadoVM needs and those that Quire wants of it: a kernel that does not compile
   * is an error, never sequential Java; memory is limited by the device alone.
   *
   * @param backend as {@link #backend} has it
   * @param deviceMebibytes the device's memory; 0 if nobody tells it
   */
  List<String> flags(String backend, long deviceMebibytes) {
    boolean cublas = backend.equals("cuda") && jar("tornado-cublas-") != null;
    List<String> flags = new ArrayList<String>();
    flags.add("-XX:+UnlockExperimentalVMOptions");
    flags.add("-XX:+EnableJVMCI");
    // TornadoVM knows the array headers of compressed pointers only.
    flags.add("-XX:+UseCompressedOops");
    flags.add("-XX:+UseParallelGC");
    flags.add("--enable-preview");
    flags.add("-Djava.library.path=" + new File(folder, "lib"));
    flags.add("-Dtornado.load.api.implementation=" + PREFIX + "runtime.tasks.TornadoTaskGraph");
    flags.add("-Dtornado.load.runtime.implementation=" + PREFIX + "runtime.TornadoCoreRuntime");
    flags.add("-Dtornado.load.tornado.implementation=" + PREFIX + "runtime.common.Tornado");
    flags.add("-Dtornado.load.annotation.implementation=" + PREFIX + "annotation.ASMClassVisitor");
    flags.add("-Dtornado.load.annotation.parallel=" + PREFIX + "api.annotations.Parallel");
    flags.add("-Dtornado.recover.bailout=False");
    flags.add("-Dtornado.max.events=1024");
    flags.add("-Dtornado.tvm.maxbytecodesize=65536");
    flags.add("-Dtornado.cuda.host.pinning=false");
    // Both look at every task and argument at each execution, for what Quire's graphs don't have.
    flags.add("-Dtornado.experimental.reduce=False");
    flags.add("-Dtornado.check.parameters=False");
    if (deviceMebibytes > 0) {
      flags.add("-Dtornado.device.memory=" + deviceMebibytes + "MB");
    }
    flags.add("--module-path=" + modulePath(backend));
    flags.add("--upgrade-module-path=" + new File(folder, COMPILER_JARS));
    flags.add("@" + exports("common"));
    flags.add("@" + exports(backend));
    for (String opened : OPENED) {
      flags.add("--add-opens=tornado." + opened + "=ALL-UNNAMED");
    }
    if (backend.equals("cuda")) {
      flags.add("--add-opens=tornado.drivers.cuda/" + PREFIX + "drivers.cuda=ALL-UNNAMED");
      flags.add("--add-opens=tornado.drivers.cuda/" + PREFIX + "drivers.cuda.graal=ALL-UNNAMED");
      flags.add("--add-opens=tornado.drivers.cuda/" + PREFIX + "drivers.cuda.runtime=ALL-UNNAMED");
    }
    flags.add(
        "--enable-native-access=ALL-UNNAMED,tornado.drivers."
            + backend
            + (cublas ? ",tornado.cublas" : ""));
    flags.add(
        "--add-modules=jdk.incubator.vector,tornado.runtime,tornado.annotation,"
            + "tornado.drivers.common,tornado.drivers."
            + backend
            + (cublas ? ",tornado.cublas" : ""));
    return flags;
  }

  /**
   * The SDK's jars but other backends' drivers and bindings to libraries that Quire has no use for.
   */
  private String modulePath(String backend) {
    StringBuilder path = new StringBuilder();
    for (File file : files(JARS)) {
      String name = file.getName();
      boolean driver = name.startsWith("tornado-drivers-");
      boolean ours =
          name.startsWith("tornado-drivers-common-")
              || name.startsWith("tornado-drivers-" + backend + "-")
              || name.startsWith("tornado-api-")
              || name.startsWith("tornado-annotation-")
              || name.startsWith("tornado-runtime-")
              || name.startsWith("tornado-matrices-")
              || (backend.equals("cuda") && name.startsWith("tornado-cublas-"));
      if (ours || !(driver || name.startsWith("tornado-"))) {
        path.append(path.length() == 0 ? "" : File.pathSeparator).append(file);
      }
    }
    return path.toString();
  }

  /** What the child's environment gets: where NVRTC and cuBLAS are, if the system does not say. */
  static Map<String, String> environment(Map<String, String> given) {
    Map<String, String> added = new LinkedHashMap<String, String>();
    String cuda = given.get("CUDA_PATH");
    File folder = new File(cuda == null || cuda.isEmpty() ? "/usr/local/cuda" : cuda);
    File libraries = new File(folder, "lib64");
    if (libraries.isDirectory()) {
      added.put("CUDA_PATH", folder.getPath());
      String path = given.get("LD_LIBRARY_PATH");
      added.put(
          "LD_LIBRARY_PATH",
          path == null || path.isEmpty() ? libraries.getPath() : path + ":" + libraries);
    }
    return added;
  }

  /**
   * The first NVIDIA device's memory in MiB as its driver's tool tells it; 0 if it tells nothing.
   */
  static long deviceMebibytes() {
    try {
      Process process =
          new ProcessBuilder(
                  "nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
              .redirectErrorStream(true)
              .start();
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String first = lines.readLine();
      while (lines.readLine() != null) {
        // To its end, so that the tool does not block.
      }
      return process.waitFor() == 0 && first != null ? Long.parseLong(first.trim()) : 0;
    } catch (IOException noTool) {
      return 0;
    } catch (NumberFormatException noNumber) {
      return 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }
}
