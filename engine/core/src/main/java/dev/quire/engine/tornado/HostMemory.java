package dev.quire.engine.tornado;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of this process that is in use, as Linux counts it. */
final class HostMemory {
  private HostMemory() {}

  /** Resident bytes, those of mapped model files included; 0 where nothing tells them. */
  static long residentBytes() {
    return bytes("VmRSS:");
  }

  /** Resident bytes that no file stands behind: what the process itself takes. */
  static long ownBytes() {
    return bytes("RssAnon:");
  }

  private static long bytes(String field) {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return 0;
    }
    try {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith(field)) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
    return 0;
  }
}
