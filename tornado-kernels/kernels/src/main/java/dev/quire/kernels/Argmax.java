package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The most probable token of each slice of 256 tokens of each sampled row; of equals the one with
 * the lowest number. {@link Sampling} goes on from there.
 *
 * <pre>
 *   logits row  ├ slice 0 ┼ slice 1 ┼ … ┤        a warp a slice, eight slices a group
 *      lane l looks at l, l + 32, … l + 224; (best, token) of 32 lanes ── shuffles ──► slice's best
 * </pre>
 */
public final class Argmax {
  private Argmax() {}

  /** Threads of a group, which handles eight slices of a row. */
  public static final int GROUP = 256;

  /** Tokens of a slice. */
  public static final int SLICE = 256;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  /**
   * Finds the best of each slice.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, vocabulary]
   * @param best [rows, slices]: the largest logits
   * @param tokens [rows, slices]: whose they are
   * @param slices of a row, as {@link #slices} says
   */
  public static void slice(
      KernelContext context,
      IntArray counts,
      FloatArray logits,
      FloatArray best,
      IntArray tokens,
      int vocabulary,
      int slices) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    int lane = context.localIdx % WARP;
    int slice = context.groupIdx * WARPS + context.localIdx / WARP;
    int first = slice * SLICE + lane;
    float largest = Float.NEGATIVE_INFINITY;
    float token = first;
    for (int step = 0; step < SLICE / WARP; step++) {
      int i = first + step * WARP;
      // Not under an if: all loads are then under way together.
      float value = logits.get(row * vocabulary + TornadoMath.min(i, vocabulary - 1));
      float seen = i < vocabulary ? value : Float.NEGATIVE_INFINITY;
      token = seen > largest ? i : token;
      largest = seen > largest ? seen : largest;
    }
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
      float other = context.simdShuffleDown(largest, distance);
      float otherToken = context.simdShuffleDown(token, distance);
      float larger = TornadoMath.max(other, largest);
      float mine = largest == larger ? token : vocabulary;
      float its = other == larger ? otherToken : vocabulary;
      token = TornadoMath.min(mine, its);
      largest = larger;
    }
    if (lane == 0 && slice < slices) {
      best.set(row * slices + slice, largest);
      tokens.set(row * slices + slice, (int) token);
    }
  }

  /** Slices of a vocabulary. */
  public static int slices(int vocabulary) {
    return (vocabulary + SLICE - 1) / SLICE;
  }

  /** Groups for at most {@code rows} rows. */
  public static WorkerGrid grid(int rows, int vocabulary) {
    WorkerGrid grid = new WorkerGrid2D((slices(vocabulary) + WARPS - 1) / WARPS * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The most probable token of a row, in plain Java. */
  public static int reference(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
