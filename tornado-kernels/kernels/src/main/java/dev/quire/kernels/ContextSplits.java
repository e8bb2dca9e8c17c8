package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Puts together what {@link PagedAttention} leaves of contexts that are split among groups.
 *
 * <pre>
 *   partial of a head  │ split 0 │ split 1 │ …       each: output, maximum, sum     a warp a head
 *   factor of a split    e^(maximum - largest of the maxima)                        a lane a split
 *   out                  factors · outputs / factors · sums                         a lane an element
 * </pre>
 */
public final class ContextSplits {
  private ContextSplits() {}

  private static final int GROUP = 128;
  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  /**
   * Puts the splits of each head together, where a context has more than one.
   *
   * @param counts sequences that are there; positions a split, so that {@code splits} cover the
   *     longest context
   * @param partial as {@link PagedAttention#attend} leaves it
   * @param lengths [sequences]
   * @param out [sequences, heads * headSize]
   */
  public static void combine(
      KernelContext context,
      IntArray counts,
      FloatArray partial,
      IntArray lengths,
      HalfFloatArray out,
      int heads,
      int kvHeads,
      int headSize,
      int splits,
      int window) {
    int sequence = context.groupIdy;
    if (sequence >= counts.get(0)) {
      return;
    }
    int splitLength = counts.get(1);
    int length = lengths.get(sequence);
    int attended = window > 0 ? TornadoMath.min(window, length) : length;
    if (attended <= splitLength) {
      return;
    }
    int used = (attended + splitLength - 1) / splitLength;
    float[] factors = context.allocateFloatLocalArray(WARPS * splits);
    int perKvHead = heads / kvHeads;
    int record = headSize + 2;
    int firstHead = sequence * heads + context.groupIdx * perKvHead;
    int lane = context.localIdx % WARP;
    int warp = context.localIdx / WARP;
    int own = warp * splits;
    for (int first = 0; first < perKvHead; first += WARPS) {
      int mine = first + warp;
      int head = firstHead + TornadoMath.min(mine, perKvHead - 1);
      int from = head * splits * record;
      float highest = Float.NEGATIVE_INFINITY;
      for (int s = lane; s < used; s += WARP) {
        highest = TornadoMath.max(highest, partial.get(from + s * record + headSize));
      }
      float maximum = Warps.maximum(context, highest);
      float mass = 0.0f;
      for (int s = lane; s < used; s += WARP) {
        float factor = TornadoMath.exp(partial.get(from + s * record + headSize) - maximum);
        mass += factor * partial.get(from + s * record + headSize + 1);
        factors[own + s] = factor;
      }
      float total = context.simdSum(mass);
      context.localBarrier();
      for (int element = lane; element < headSize; element += WARP) {
        float output = 0.0f;
        for (int s = 0; s < used; s++) {
          output += factors[own + s] * partial.get(from + s * record + element);
        }
        if (mine < perKvHead) {
          float value = output / total;
          out.set(head * headSize + element, new HalfFloat(value));
        }
      }
      context.localBarrier();
    }
  }

  /** Groups for {@link #combine}. */
  public static WorkerGrid grid(int sequences, int kvHeads) {
    WorkerGrid grid = new WorkerGrid2D(kvHeads * GROUP, sequences);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
