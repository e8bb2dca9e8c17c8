package dev.quire.engine.tornado;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Which of this process's memory is a file mapped for reading, as Linux lists it. */
final class FileMappings {
  private final TreeMap<Long, Long> ends = new TreeMap<>();

  /**
   * @param lines of {@code /proc/self/maps}: {@code from-to perms offset device inode path}
   */
  FileMappings(List<String> lines) {
    for (String line : lines) {
      String[] fields = line.split("\\s+", 6);
      String[] range = fields[0].split("-", 2);
      if (fields.length == 6 && fields[1].startsWith("r-") && !fields[4].equals("0")) {
        ends.put(Long.parseUnsignedLong(range[0], 16), Long.parseUnsignedLong(range[1], 16));
      }
    }
  }

  /** Those of this moment; none where the system does not list them. */
  static FileMappings now() {
    Path maps = Path.of("/proc/self/maps");
    try {
      return new FileMappings(Files.isReadable(maps) ? Files.readAllLines(maps) : List.of());
    } catch (IOException e) {
      return new FileMappings(List.of());
    }
  }

  /** Whether all of a segment lies in one of them: then its pages can be given back safely. */
  boolean hold(MemorySegment segment) {
    Map.Entry<Long, Long> mapping = ends.floorEntry(segment.address());
    return segment.isNative()
        && mapping != null
        && segment.address() + segment.byteSize() <= mapping.getValue();
  }
}
