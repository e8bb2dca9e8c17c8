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
  };

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
    }
    flags.add("-D" + PROPERTY + "=" + (off ? "off" : patch == null ? "unknown" : "true"));
    return flags;
  }

  /** The flag; null where the driver has other classes than those that this knows. */
  static @Nullable String flag(File driver, @Nullable File cache) {
    try {
      Map<String, byte[]> classes = classes(driver);
      if (classes == null) {
        return null;
      }
      Path folder = folder("driver", driver, cache);
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
    byte[] buffer = new byte[8192];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      out.write(buffer, 0, n);
    }
    return found ? bytes.toByteArray() : null;
  }

  /** Bytes of a constant after its tag, as the JVM's specification has them. */
  private static int length(int tag) throws IOException {
    if (tag >= LENGTHS.length || LENGTHS[tag] == 0) {
      throw new IOException("a constant of kind " + tag);
    }
    return LENGTHS[tag];
  }
}
