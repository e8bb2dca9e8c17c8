package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import java.util.Locale;

/**
 * The bytes that a model takes on the device.
 *
 * @param scratch all that are neither weights nor cache
 */
record DeviceMemory(long weights, long scratch, long cache) {
  // Less than this part of a cache is none worth having.
  private static final int LEAST_SHARE = 64;

  /** Whether a failure is for want of memory, as drivers and TornadoVM say it. */
  static boolean outOfMemory(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
      if (cause.getClass().getSimpleName().contains("OutOfMemory")
          || text.contains("out of memory")
          || text.contains("unable to allocate")) {
        return true;
      }
    }
    return false;
  }

  /**
   * Says what to do about it.
   *
   * @param available bytes of the device that may be used; 0 if nobody tells
   */
  QuireException tooLarge(QuireException cause, long available) {
    long fits = available - weights - scratch;
    boolean told = available > 0 && fits < cache;
    String taken =
        "the device is out of memory: weights of %s and scratch of %s"
            .formatted(mebibytes(weights), mebibytes(scratch));
    String advice =
        told && fits < cache / LEAST_SHARE
            ? " leave next to nothing of %s; a smaller --max-num-batched-tokens or --max-num-seqs takes less scratch, a model of fewer bits (quire quantize) less for weights"
                .formatted(mebibytes(available))
            : " leave no room for a KV cache of %s; --kv-cache-memory %dMiB fits%s, and so does a smaller --gpu-memory-utilization"
                .formatted(
                    mebibytes(cache), (told ? fits : cache / 10 * 9) >> 20, told ? "" : " better");
    return new QuireException(QuireException.Kind.INVALID, taken + advice, cause);
  }

  /**
   * What it is now, the host's too, for people.
   *
   * @param conversions of the weights, as {@link DeviceWeights#conversions} tells them
   * @param free what stays free of the device's memory, or nothing
   */
  String describe(String conversions, String free) {
    return "on the device: weights %s%s, KV cache %s, scratch %s%s; on the host: %s, of which %s are mapped files"
        .formatted(
            mebibytes(weights),
            conversions,
            mebibytes(cache),
            mebibytes(scratch),
            free,
            mebibytes(HostMemory.residentBytes()),
            mebibytes(HostMemory.residentBytes() - HostMemory.ownBytes()));
  }

  static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%d MiB", (bytes + (1 << 20) - 1) >> 20);
  }
}
