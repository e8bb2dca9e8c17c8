package dev.quire.engine.tornado;

import dev.quire.kernels.WeightTiles;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Compiled kernels on disk, so that a later process needs to compile them no more.
 *
 * <pre>
 *   folder / what all kernels depend on / what one depends on:   signature, entry, image, CRC
 *            ├ the kernels' classes         ├ its method
 *            ├ the SDK's files              └ its scalars and arguments' classes
 *            ├ NVRTC, its headers
 *            ├ the device's name
 *            └ options tornado.*
 * </pre>
 *
 * Whatever goes wrong with a file, the kernel is compiled.
 */
final class KernelCache {
  /** The system property that names the folder; without it there is no cache. */
  static final String FOLDER = "quire.kernels.cache";

  private static final int VERSION = 1;
  private static final int ENVIRONMENTS_KEPT = 4;
  private static final String KERNELS = "dev/quire/kernels/";

  private final Path folder;
  private final Object deviceContext;
  private int loaded;
  private int compiled;

  private KernelCache(Path folder, Object deviceContext) {
    this.folder = folder;
    this.deviceContext = deviceContext;
  }

  /**
   * The cache of a device; null where none is wanted or TornadoVM doesn't let us.
   *
   * @param deviceContext TornadoVM's, of its cuda backend
   */
  static @Nullable KernelCache of(Object deviceContext) {
    String named = System.getProperty(FOLDER, "");
    if (named.isEmpty() || !deviceContext.getClass().getSimpleName().equals("CUDADeviceContext")) {
      return null;
    }
    try {
      Path parent = Path.of(named);
      Path folder = parent.resolve(environment(deviceContext));
      if (!Files.isDirectory(folder)) {
        Files.createDirectories(folder);
        forgetOthers(parent);
      }
      return new KernelCache(folder, deviceContext);
    } catch (IOException | ReflectiveOperationException | RuntimeException e) {
      return null;
    }
  }

  /** Kernels taken from the cache. */
  int loaded() {
    return loaded;
  }

  /** Kernels that were compiled and put into it. */
  int compiled() {
    return compiled;
  }

  /** The installed code of a kernel; null if it must be compiled. */
  @Nullable Object load(String signature) {
    Path file = file(signature);
    if (!Files.isRegularFile(file)) {
      return null;
    }
    try {
      Stored stored = read(Files.readAllBytes(file), signature);
      if (stored == null) {
        return null;
      }
      byte[] image = stored.image();
      Object program =
          TornadoInternals.method(
                  deviceContext.getClass(), "createProgramWithBinary", byte[].class, long[].class)
              .invoke(deviceContext, image, new long[] {image.length});
      TornadoInternals.method(program.getClass(), "build", String.class).invoke(program, "");
      Object id = TornadoInternals.call(deviceContext, "getDeviceId");
      Object status =
          TornadoInternals.method(program.getClass(), "getStatus", long.class).invoke(program, id);
      if (!String.valueOf(status).equals("CL_BUILD_SUCCESS")) {
        return null;
      }
      Object kernel =
          TornadoInternals.method(program.getClass(), "clCreateKernel", String.class)
              .invoke(program, stored.entry());
      Object code =
          installedCode(program.getClass().getClassLoader())
              .newInstance(stored.entry(), image, deviceContext, program, kernel, false);
      loaded++;
      return code;
    } catch (IOException | ReflectiveOperationException | RuntimeException e) {
      return null;
    }
  }

  /**
   * Keeps a kernel that was compiled.
   *
   * @param entry its name in the image
   */
  void store(String signature, String entry, Object code) {
    compiled++;
    Path unfinished = folder.resolve("unfinished-" + ProcessHandle.current().pid());
    try {
      byte[] image = image(TornadoInternals.call(code, "getProgram"));
      Files.write(unfinished, write(signature, entry, image));
      Files.move(unfinished, file(signature), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | ReflectiveOperationException | RuntimeException e) {
      unfinished.toFile().delete();
    }
  }

  private static byte[] image(Object program) throws ReflectiveOperationException {
    long[] sizes = (long[]) TornadoInternals.call(program, "getBinarySizes");
    ByteBuffer buffer = ByteBuffer.allocateDirect(Math.toIntExact(sizes[0]));
    Method read =
        program
            .getClass()
            .getDeclaredMethod("getBinaries", long.class, long.class, ByteBuffer.class);
    read.setAccessible(true);
    read.invoke(
        null, TornadoInternals.get(program.getClass(), "programPointer", program), 1L, buffer);
    byte[] image = new byte[buffer.capacity()];
    buffer.get(image);
    return image;
  }

  private static Constructor<?> installedCode(ClassLoader loader)
      throws ReflectiveOperationException {
    Class<?> type =
        Class.forName(
            "uk.ac.manchester.tornado.drivers.cuda.graal.CUDAInstalledCode", true, loader);
    Constructor<?> constructor = type.getConstructors()[0];
    constructor.setAccessible(true);
    return constructor;
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Stored(String entry, byte[] image) {}

  /** A file's content; null if it is another kernel's, of another version, or damaged. */
  static @Nullable Stored read(byte[] file, String signature) throws IOException {
    try (var in = new DataInputStream(new ByteArrayInputStream(file))) {
      if (in.readInt() != VERSION || !in.readUTF().equals(signature)) {
        return null;
      }
      String entry = in.readUTF();
      int length = in.readInt();
      if (length < 1 || length > file.length) {
        return null;
      }
      byte[] image = in.readNBytes(length);
      return in.readLong() == checksum(image) ? new Stored(entry, image) : null;
    }
  }

  static byte[] write(String signature, String entry, byte[] image) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(bytes)) {
      out.writeInt(VERSION);
      out.writeUTF(signature);
      out.writeUTF(entry);
      out.writeInt(image.length);
      out.write(image);
      out.writeLong(checksum(image));
    }
    return bytes.toByteArray();
  }

  private static long checksum(byte[] bytes) {
    var crc = new CRC32();
    crc.update(bytes);
    return crc.getValue();
  }

  private Path file(String signature) {
    return folder.resolve(hash(signature));
  }

  /** What every kernel's code depends on. */
  private static String environment(Object deviceContext)
      throws IOException, ReflectiveOperationException {
    var text = new StringBuilder();
    text.append(kernels()).append('\n');
    Path sdk = Path.of(System.getenv("TORNADOVM_HOME"));
    for (String part : List.of("share/java/tornado", "share/java/graalJars", "lib")) {
      files(sdk.resolve(part), text);
    }
    Class<?> program =
        Class.forName(
            "uk.ac.manchester.tornado.drivers.cuda.CUDAProgram",
            true,
            deviceContext.getClass().getClassLoader());
    text.append(TornadoInternals.method(program, "getNvrtcVersion").invoke(null)).append('\n');
    String cuda = System.getenv().getOrDefault("CUDA_PATH", "/usr/local/cuda");
    stamp(Path.of(cuda, "include/cuda_fp16.h"), text);
    Object device = TornadoInternals.call(deviceContext, "getDevice");
    text.append(TornadoInternals.call(device, "getDeviceName")).append('\n');
    text.append(System.getProperty("java.vm.version")).append('\n');
    text.append(System.getProperty("quire.driver.changes", "")).append('\n');
    var options = new TreeMap<String, String>();
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("tornado.") && !name.equals("tornado.device.memory")) {
        options.put(name, System.getProperty(name));
      }
    }
    return hash(text.append(options).toString());
  }

  /** The classes of all kernels, wherever they are. */
  private static String kernels() throws IOException {
    Path source;
    try {
      source =
          Path.of(WeightTiles.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
    var classes = new TreeMap<String, Long>();
    if (Files.isDirectory(source)) {
      try (Stream<Path> all = Files.list(source.resolve(KERNELS))) {
        for (Path file : all.toList()) {
          classes.put(String.valueOf(file.getFileName()), checksum(Files.readAllBytes(file)));
        }
      }
    } else {
      try (ZipFile jar = new ZipFile(source.toFile())) {
        jar.stream()
            .filter(entry -> entry.getName().startsWith(KERNELS) && !entry.isDirectory())
            .forEach(
                entry -> classes.put(entry.getName().substring(KERNELS.length()), entry.getCrc()));
      }
    }
    return classes.toString();
  }

  private static void files(Path folder, StringBuilder text) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path file : all.sorted().toList()) {
        stamp(file, text);
      }
    }
  }

  private static void stamp(Path file, StringBuilder text) throws IOException {
    text.append(file.getFileName());
    if (Files.exists(file)) {
      text.append(' ').append(Files.size(file));
      text.append(' ').append(Files.getLastModifiedTime(file).toMillis());
    }
    text.append('\n');
  }

  /** Deletes what was kept for others, all but the latest few. */
  private static void forgetOthers(Path parent) throws IOException {
    try (Stream<Path> all = Files.list(parent)) {
      List<Path> oldest =
          all.filter(Files::isDirectory)
              .sorted(
                  Comparator.comparingLong((Path each) -> each.toFile().lastModified()).reversed())
              .skip(ENVIRONMENTS_KEPT)
              .toList();
      for (Path folder : oldest) {
        try (Stream<Path> files = Files.list(folder)) {
          files.forEach(file -> file.toFile().delete());
        }
        folder.toFile().delete();
      }
    }
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
