package dev.quire.cli;

import com.sun.management.OperatingSystemMXBean;
import dev.quire.weights.ModelFile;
import dev.quire.weights.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;

/**
 * Reads a model's pages from the disk before the engine does, to show how far it is: weights are
 * mapped, so that without this the time would go, unseen, into the first step.
 */
final class WeightReading {
  /** Below this the disk is done before a bar is drawn. */
  private static final long WORTH_SHOWING = 128L << 20;

  private static final long PIECE = 8L << 20;

  private WeightReading() {}

  /** Does so where somebody sees it, and where the pages can stay. */
  static void show(Console console, Path model) {
    if (!console.terminals().err()) {
      return;
    }
    try (ModelFile file = ModelFile.open(model)) {
      long total = file.tensors().stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
      if (total < WORTH_SHOWING || total > memory()) {
        return;
      }
      try (WorkProgress progress = WorkProgress.ofBytes(console, "Loading")) {
        long done = 0;
        for (Tensor tensor : file.tensors()) {
          MemorySegment data = tensor.data();
          for (long at = 0; at < data.byteSize(); at += PIECE) {
            long size = Math.min(PIECE, data.byteSize() - at);
            if (data.isMapped()) {
              data.asSlice(at, size).load();
            }
            done += size;
            progress.update(done, total);
          }
        }
      }
    }
  }

  private static long memory() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
  }
}
