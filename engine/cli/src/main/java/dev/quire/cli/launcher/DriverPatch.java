package dev.quire.cli.launcher;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * A few words of TornadoVM's CUDA backend said otherwise, by {@code --patch-module}. It keeps
 * addresses of arrays in integers:
 *
 * <pre>
 *   unsigned long long ul_0, ul_9;               decltype((unsigned char *) 0) ul_0, ul_9;
 *   ul_0 = (unsigned long long) weights;         ul_0 = (decltype((unsigned char *) 0)) weights;
 *   ul_9 = ul_0 + l_8;                           ul_9 = ul_0 + l_8;
 *   … ((__half2 *)(ul_9))[(0)]                   … ((__half2 *)(ul_9))[(0)]
 * </pre>
 *
 * From integers NVIDIA's compiler can't tell what memory a load goes to (LD instead of LDG), and
 * adds 64 bits for each address; with pointers it does neither, and takes fewer registers.
 *
 * <p>And it copies to local memory four bytes at a time, which takes as many instructions as
 * sixteen. A kernel whose name ends in {@code Quads} promises that its copies come in fours, of
 * sixteen bytes that lie side by side on both sides, at a multiple of sixteen: here the first of
 * the four copies them all, and NVIDIA's compiler drops the others.
 *
 * <p>Addresses in local memory are computed in 64 bits and cut to 32 in assembler, four
 * instructions for each that a loop copies to or reads a fragment from. As sums of 32 bits they
 * become offsets in the instructions themselves.
 *
 * <p>And each kernel waits, before it does anything, until those before it are over: in a captured
 * graph it may then be launched while they still run ({@code ProgrammaticLaunch} of the engine,
 * which is called to instantiate a graph, and to launch it the first time). A kernel whose name has
 * {@code Early} at its end or before {@code Quads} waits where it says so, by {@code
 * asyncCopyWaitGroup(15)}, reads before that only what no kernel of its graph writes, and lets
 * those after it come by {@code asyncCopyWaitGroup(14)}.
 */
final class DriverPatch {
  /** Says {@code off} where TornadoVM's driver is to stay as it is. */
  static final String VARIABLE = "QUIRE_DRIVER_PATCH";

  /**
   * The property that tells a JVM on the SDK about its driver: {@code true} where it is patched,
   * {@code off} where the user wants it as it is, {@code unknown} where it has other classes than
   * those that this knows. Code that one compiled is not another's.
   */
  static final String PROPERTY = "quire.driver.patched";

  /** The property that says which changes these are, by a number that others would not have. */
  static final String CHANGES_PROPERTY = "quire.driver.changes";

  private static final String MODULE = "tornado.drivers.cuda";
  private static final String PACKAGE = "uk/ac/manchester/tornado/drivers/cuda/graal/";
  private static final String TEMPORARY = "quire-patch";
  private static final String INTEGER = "unsigned long long";
  private static final String POINTER = "decltype((unsigned char *) 0)";

  private static final String COPY = PACKAGE + "lir/CUDALIRStmt$CpAsyncCopyStmt.class";
  private static final String MATRIX = PACKAGE + "lir/CUDALIRStmt$LdmatrixStmt.class";

  // Arguments of a text, in the order in which it takes them.
  private static final String ARGUMENT = "\u0001";
  private static final String GENERIC =
      "asm volatile(\"{ .reg .u64 u; cvta.to.shared.u64 u, %1; cvt.u32.u64 %0, u; }\" :"
          + " \"=r\"(__smem) : \"l\"(";
  private static final String LOCAL =
      "__smem = (unsigned) __cvta_generic_to_shared(" + ARGUMENT + ") + ";
  private static final String FOUR =
      "asm volatile(\"cp.async.ca.shared.global [%0], [%1], 4;\" :: \"r\"(__smem), \"l\"(";
  private static final String SIXTEEN =
      "asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16;\" :: \"r\"(__smem), \"l\"(";
  private static final String FROM =
      "(const char *) "
          + ARGUMENT
          + " + "
          + ARGUMENT
          + "u + ((long long) "
          + ARGUMENT
          + ") * "
          + ARGUMENT;
  private static final String NOT_IN_QUADS =
      "if (__func__[sizeof(__func__) < 6 ? 0 : sizeof(__func__) - 6] != 'Q') ";

  // Devices of compute capability 9.0 have these. The first returns at once where a kernel was
  // launched as usual. Dependents that the second lets come wait for all of this kernel.
  private static final String WAIT = "asm volatile(\"griddepcontrol.wait;\" ::: \"memory\");";
  private static final String RELEASE =
      "asm volatile(\"griddepcontrol.launch_dependents;\" ::: \"memory\");";
  private static final String SINCE = "__CUDA_ARCH__ >= 900";
  private static final String WAITS_EARLY =
      "(__quire > 6 && __func__[__quire > 6 ? __quire - 6 : 0] == 'E')"
          + " || (__quire > 11 && __func__[__quire > 6 ? __quire - 6 : 0] == 'Q'"
          + " && __func__[__quire > 11 ? __quire - 11 : 0] == 'E')";
  private static final String BLOCK = "// BLOCK %d";
  private static final String BLOCK_WAITS =
      "// BLOCK %1$d\n#if %1$d == 0 && "
          + SINCE
          + "\n  const int __quire = sizeof(__func__); if (!("
          + WAITS_EARLY
          + ")) { "
          + WAIT
          + " "
          + RELEASE
          + " }\n#endif";
  private static final String GROUPS = "asm volatile(\"cp.async.wait_group " + ARGUMENT + ";\")";
  private static final String GROUPS_WAIT =
      "{ constexpr int __groups = "
          + ARGUMENT
          + ";\n#if "
          + SINCE
          + "\n  if (__groups == 15) { "
          + WAIT
          + " } else if (__groups == 14) { "
          + RELEASE
          + " } else\n#endif\n  asm volatile(\"cp.async.wait_group %0;\" :: \"n\"(__groups)); }";

  // An accumulator's four elements, which lie in pairs.
  private static final String ELEMENT =
      "((" + ARGUMENT + " *) ((char *) " + ARGUMENT + " + " + ARGUMENT + "u))";
  private static final String STORE =
      ELEMENT + "[__idx" + ARGUMENT + "] = " + ARGUMENT + "[" + ARGUMENT + "]";
  private static final String STORE_PAIRS =
      "{ auto *__array = "
          + ELEMENT
          + "; const unsigned __index = __idx"
          + ARGUMENT
          + "; const auto &__from = "
          + ARGUMENT
          + "; constexpr int __i = "
          + ARGUMENT
          + "; struct alignas(8) __Pair { decltype(+__array[0]) first, second; };"
          + " if (__index % 2 != __i % 2) { __array[__index] = __from[__i]; }"
          + " else if (__i % 2 == 0) { *(__Pair *) (__array + __index) ="
          + " __Pair{__from[__i], __from[(__i + 1) % 4]}; } }";

  // Class, constant, and what it becomes.
  private static final String[][] CHANGES = {
    {PACKAGE + "lir/CUDAKind.class", INTEGER, POINTER},
    // An index that can't be negative is extended to the same kind, but stays an integer.
    {PACKAGE + "CUDALIRKindTool.class", "ULONG", "LONG"},
    {PACKAGE + "asm/CUDAAssembler$CUDAUnaryOp.class", "(" + INTEGER + ") ", "(" + POINTER + ") "},
    {COPY, "unsigned __smem", "unsigned __smem, __to"},
    {
      COPY,
      GENERIC + "(char *) " + ARGUMENT + " + (((unsigned) " + ARGUMENT + ") << 2)))",
      LOCAL + "((__to = (unsigned) " + ARGUMENT + ") << 2)"
    },
    {MATRIX, GENERIC + "(const char *) " + ARGUMENT + " + __bo))", LOCAL + "__bo"},
    {
      COPY,
      FOUR + FROM + "))",
      "const char *__from = "
          + FROM
          + "; "
          + NOT_IN_QUADS
          + FOUR
          + "__from)); else if (__to % 4 == 0) "
          + SIXTEEN
          + "__from))"
    },
    {PACKAGE + "lir/CUDALIRStmt$MMAStoreStmt.class", STORE, STORE_PAIRS},
    {PACKAGE + "compiler/CUDACompilationResultBuilder.class", BLOCK, BLOCK_WAITS},
    {PACKAGE + "lir/CUDALIRStmt$CpAsyncWaitGroupStmt.class", GROUPS, GROUPS_WAIT},
  };

  // Of this class, methods with their descriptors; the last class's are called instead.
  private static final String QUEUE =
      "uk/ac/manchester/tornado/drivers/cuda/CUDACommandQueue.class";
  private static final String[][] CALLS = {
    {"cuGraphInstantiate", "(J)J"}, {"cuGraphLaunch", "(JJ)J"},
  };
  private static final String CALLED = "dev/quire/engine/tornado/ProgrammaticLaunch";

  private static final int[] LENGTHS = {
    0, 0, 0, 4, 4, 8, 8, 2, 2, 4, 4, 4, 4, 0, 0, 3, 2, 4, 4, 2, 2
  };

  private DriverPatch() {}

  /**
   * The flags of a JVM on the SDK: the changed classes in front of the driver's own, unless they
   * are not wanted or not known, and the property that says so.
   *
   * @param driver the driver's jar
   * @param cache where the classes are kept; null: in a folder that goes with this JVM
   * @param wanted what {@link #VARIABLE} says
   */
  static List<String> flags(File driver, @Nullable File cache, @Nullable String wanted) {
    List<String> flags = new ArrayList<String>();
    boolean off = "off".equals(wanted);
    String patch = off ? null : flag(driver, cache);
    if (patch != null) {
      flags.add(patch);
      flags.add("--add-reads=" + MODULE + "=ALL-UNNAMED"); // It calls the engine.
      flags.add("-D" + CHANGES_PROPERTY + "=" + number());
    }
    flags.add("-D" + PROPERTY + "=" + (off ? "off" : patch == null ? "unknown" : "true"));
    return flags;
  }

  private static String number() {
    return Integer.toHexString(31 * Arrays.deepHashCode(CHANGES) + Arrays.deepHashCode(CALLS));
  }

  /** The flag; null where the driver has other classes than those that this knows. */
  static @Nullable String flag(File driver, @Nullable File cache) {
    try {
      Map<String, byte[]> classes = classes(driver);
      if (classes == null) {
        return null;
      }
      Path folder = folder("driver-" + number(), driver, cache);
      for (Map.Entry<String, byte[]> type : classes.entrySet()) {
        write(folder, type.getKey(), type.getValue());
      }
      return "--patch-module=" + MODULE + "=" + folder;
    } catch (IOException e) {
      return null; // Slower, but right.
    }
  }

  /** The changed classes; null where one has not the text that is to change. */
  private static @Nullable Map<String, byte[]> classes(File driver) throws IOException {
    Map<String, byte[]> classes = new LinkedHashMap<String, byte[]>();
    try (ZipFile jar = new ZipFile(driver)) {
      for (String[] change : CHANGES) {
        byte[] before = classes.get(change[0]);
        ZipEntry entry = jar.getEntry(change[0]);
        if (entry == null) {
          return null;
        }
        try (InputStream in =
            before == null ? jar.getInputStream(entry) : new ByteArrayInputStream(before)) {
          byte[] changed = replace(in, change[1], change[2]);
          if (changed == null) {
            return null;
          }
          classes.put(change[0], changed);
        }
      }
      ZipEntry caller = jar.getEntry(QUEUE);
      if (caller == null) {
        return null;
      }
      byte[] queue;
      try (InputStream in = jar.getInputStream(caller)) {
        queue = all(in);
      }
      for (String[] call : CALLS) {
        byte[] changed = CallPatch.redirect(queue, call[0], call[1], CALLED);
        if (changed == null) {
          return null;
        }
        queue = changed;
      }
      classes.put(QUEUE, queue);
    }
    return classes;
  }

  /** Where the changed classes of a jar are kept. */
  static Path folder(String name, File jar, @Nullable File cache) throws IOException {
    if (cache == null) {
      Path folder = Files.createTempDirectory(TEMPORARY);
      folder.toFile().deleteOnExit();
      return folder;
    }
    String stamp = jar.length() + "-" + jar.lastModified() / 1000;
    return new File(cache, name + "-" + stamp).toPath().toAbsolutePath();
  }

  /** Puts a class into such a folder, unless it is there. */
  static void write(Path folder, String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    if (Files.isRegularFile(file) && Files.size(file) == content.length) {
      return;
    }
    Files.createDirectories(file.getParent());
    Path part = Files.createTempFile(file.getParent(), "part", ".class");
    Files.write(part, content);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    if (folder.getFileName().toString().startsWith(TEMPORARY)) {
      deleteOnExit(folder, name);
    }
  }

  private static void deleteOnExit(Path folder, String name) {
    Path at = folder;
    for (String part : name.split("/", -1)) {
      at = at.resolve(part);
      at.toFile().deleteOnExit(); // What is asked for last goes first.
    }
  }

  /**
   * A class file with another string constant.
   *
   * @return null if it has none of this text
   */
  static byte @Nullable [] replace(InputStream type, String text, String by) throws IOException {
    DataInputStream in = new DataInputStream(type);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(in.readLong()); // Magic number and version.
    int count = in.readUnsignedShort();
    out.writeShort(count);
    boolean found = false;
    for (int i = 1; i < count; i++) {
      int tag = in.readUnsignedByte();
      out.writeByte(tag);
      if (tag == 1) {
        String constant = in.readUTF();
        found |= constant.equals(text);
        out.writeUTF(constant.equals(text) ? by : constant);
      } else {
        byte[] entry = new byte[length(tag)];
        in.readFully(entry);
        out.write(entry);
        i += tag == 5 || tag == 6 ? 1 : 0; // long and double take two places
      }
    }
    out.write(all(in));
    return found ? bytes.toByteArray() : null;
  }

  /** What is left of a stream. */
  static byte[] all(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] buffer = new byte[8192];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      bytes.write(buffer, 0, n);
    }
    return bytes.toByteArray();
  }

  /** Bytes of a constant after its tag, as the JVM's specification has them. */
  static int length(int tag) throws IOException {
    if (tag >= LENGTHS.length || LENGTHS[tag] == 0) {
      throw new IOException("a constant of kind " + tag);
    }
    return LENGTHS[tag];
  }
}
