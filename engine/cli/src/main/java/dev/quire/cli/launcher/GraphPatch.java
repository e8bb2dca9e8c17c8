package dev.quire.cli.launcher;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * One number in TornadoVM's runtime said otherwise, by {@code --patch-module}: the nodes that a
 * task graph may have, 1024, which is less than a model of 16 layers needs for a step, and which no
 * option changes.
 *
 * <pre>
 *   nodes = new AbstractNode[1024];      sipush 1024      sipush 8192
 *                                        anewarray …      anewarray …
 * </pre>
 */
final class GraphPatch {
  /** The property that tells a JVM on the SDK how many nodes a task graph may have. */
  static final String PROPERTY = "quire.graph.nodes";

  /** The property that is {@code unknown} where the runtime is left as it is. */
  static final String STATE_PROPERTY = "quire.graph.patched";

  private static final String UNKNOWN = "-D" + STATE_PROPERTY + "=unknown";

  private static final String MODULE = "tornado.runtime";
  private static final String TYPE = "uk/ac/manchester/tornado/runtime/graph/TornadoGraph.class";
  private static final int NODES = 8192;

  // sipush, the number, anewarray.
  private static final byte[] OLD = {0x11, 0x04, 0x00, (byte) 0xBD};
  private static final byte[] NEW = {0x11, NODES >> 8, 0x00, (byte) 0xBD};

  private GraphPatch() {}

  /**
   * The flags of a JVM on the SDK; one that says so where the runtime has another class than the
   * one that this knows.
   *
   * @param runtime the runtime's jar, or null if the SDK has none of the name
   * @param cache where the class is kept; null: in a folder that goes with this JVM
   */
  static List<String> flags(@Nullable File runtime, @Nullable File cache) {
    List<String> flags = new ArrayList<String>();
    try {
      byte[] changed = runtime == null ? null : changed(runtime);
      if (runtime == null || changed == null) {
        flags.add(UNKNOWN);
      } else {
        Path folder = DriverPatch.folder("runtime", runtime, cache);
        DriverPatch.write(folder, TYPE, changed);
        flags.add("--patch-module=" + MODULE + "=" + folder);
        flags.add("-D" + PROPERTY + "=" + NODES);
      }
    } catch (IOException e) {
      flags.clear();
      flags.add(UNKNOWN); // Steps take more graphs.
    }
    return flags;
  }

  private static byte @Nullable [] changed(File runtime) throws IOException {
    try (ZipFile jar = new ZipFile(runtime)) {
      ZipEntry entry = jar.getEntry(TYPE);
      if (entry == null) {
        return null;
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (InputStream in = jar.getInputStream(entry)) {
        byte[] buffer = new byte[8192];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          bytes.write(buffer, 0, n);
        }
      }
      return replaced(bytes.toByteArray());
    }
  }

  /** A class that makes an array of 8192 where it made one of 1024; null where it made none. */
  static byte @Nullable [] replaced(byte[] type) {
    int at = find(type, 0);
    if (at < 0 || find(type, at + 1) >= 0) {
      return null;
    }
    byte[] changed = type.clone();
    System.arraycopy(NEW, 0, changed, at, NEW.length);
    return changed;
  }

  private static int find(byte[] type, int from) {
    for (int at = from; at <= type.length - OLD.length; at++) {
      int same = 0;
      while (same < OLD.length && type[at + same] == OLD[same]) {
        same++;
      }
      if (same == OLD.length) {
        return at;
      }
    }
    return -1;
  }
}
