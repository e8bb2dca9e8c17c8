package dev.quire.tornado.jvm;

import java.util.Locale;
import uk.ac.manchester.tornado.api.exceptions.TornadoOutOfMemoryException;

/**
 * How much of the device's memory a plan may take: as much as there is, or what the property {@code
 * tornado.device.memory} says, such as {@code 80GB} or {@code 512MB}, as with TornadoVM.
 */
final class DeviceMemory {
  private static final String PROPERTY = "tornado.device.memory";

  private final long limit = bytes(System.getProperty(PROPERTY, ""));
  private long used;

  /**
   * Takes memory for an array.
   *
   * @throws TornadoOutOfMemoryException if that is more than there is
   */
  void take(long bytes) {
    if (used + bytes > limit) {
      throw new TornadoOutOfMemoryException(
          "Unable to allocate %d bytes of memory: %d of %d are taken (-D%s)"
              .formatted(bytes, used, limit, PROPERTY));
    }
    used += bytes;
  }

  /** Gives memory back. */
  void give(long bytes) {
    used -= bytes;
  }

  private static long bytes(String text) {
    if (text.isEmpty()) {
      return Long.MAX_VALUE;
    }
    String digits = text.replaceFirst("[A-Za-z]+$", "");
    long unit =
        switch (text.substring(digits.length()).toUpperCase(Locale.ROOT)) {
          case "GB" -> 1L << 30;
          case "MB" -> 1L << 20;
          case "KB" -> 1L << 10;
          default -> 1;
        };
    return Long.parseLong(digits) * unit;
  }
}
