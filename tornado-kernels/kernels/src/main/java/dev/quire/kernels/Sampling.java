package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Temperature, top-k, top-p and min-p sampling of each sampled row, without sorting.
 *
 * <pre>
 *   x[i] = (logit[i] - largest) / temperature, all ≤ 0
 *         ├── dropped ──┤ cut ├──── kept ────┤ 0      the cut is found by bisection: count the kept
 *                                                       (top-k), weigh them (top-p)
 *   kept weights in vocabulary order, 256 chunks ── running sum passes uniform · total ──► token
 * </pre>
 *
 * What lies within 4e-8 of a cut counts as equal to it and is kept.
 */
public final class Sampling {
  private Sampling() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  /** Floats of a row's parameters: temperature, top-k, top-p, min-p, uniform. */
  public static final int PARAMETERS = 5;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int BISECTIONS = 34;
  private static final float LOWEST = -100.0f;

  /**
   * Draws a token a row.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, vocabulary]
   * @param parameters [rows, 5]: temperature (0: the largest wins), top-k (0: off), top-p (1: off),
   *     min-p (0: off), and a number of [0, 1) that decides
   * @param tokens [rows]
   */
  public static void draw(
      KernelContext context,
      IntArray counts,
      FloatArray logits,
      FloatArray parameters,
      IntArray tokens,
      int vocabulary) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(GROUP);
    int thread = context.localIdx;
    int start = row * vocabulary;
    float temperature = parameters.get(row * PARAMETERS);
    float topK = parameters.get(row * PARAMETERS + 1);
    float topP = parameters.get(row * PARAMETERS + 2);
    float minP = parameters.get(row * PARAMETERS + 3);
    float uniform = parameters.get(row * PARAMETERS + 4);
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = thread; i < vocabulary; i += GROUP) {
      largest = TornadoMath.max(largest, logits.get(start + i));
    }
    partial[thread] = largest;
    context.localBarrier();
    for (int width = GROUP / 2; width > 0; width /= 2) {
      if (thread < width) {
        partial[thread] = TornadoMath.max(partial[thread], partial[thread + width]);
      }
      context.localBarrier();
    }
    largest = partial[0];
    context.localBarrier();
    float inverse = 1.0f / TornadoMath.max(temperature, 1e-6f);
    float low = LOWEST;
    float high = 0.0f;
    float wanted = topK > 0.0f ? topK : vocabulary;
    for (int step = 0; step < BISECTIONS; step++) {
      float middle = 0.5f * (low + high);
      float kept = 0.0f;
      for (int i = thread; i < vocabulary; i += GROUP) {
        float x = (logits.get(start + i) - largest) * inverse;
        kept += x >= middle ? 1.0f : 0.0f;
      }
      float warpSum = context.simdSum(kept);
      if (thread % WARP == 0) {
        partial[thread / WARP] = warpSum;
      }
      context.localBarrier();
      float all = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        all += partial[w];
      }
      context.localBarrier();
      low = all >= wanted ? middle : low;
      high = all >= wanted ? high : middle;
    }
    float cut = low;
    float mass = 0.0f;
    for (int i = thread; i < vocabulary; i += GROUP) {
      float x = (logits.get(start + i) - largest) * inverse;
      mass += x >= cut ? TornadoMath.exp(x) : 0.0f;
    }
    float massSum = context.simdSum(mass);
    if (thread % WARP == 0) {
      partial[thread / WARP] = massSum;
    }
    context.localBarrier();
    float total = 0.0f;
    for (int w = 0; w < WARPS; w++) {
      total += partial[w];
    }
    context.localBarrier();
    float enough = topP * total;
    low = cut;
    high = 0.0f;
    int bisections = topP < 1.0f ? BISECTIONS : 0;
    for (int step = 0; step < bisections; step++) {
      float middle = 0.5f * (low + high);
      float kept = 0.0f;
      for (int i = thread; i < vocabulary; i += GROUP) {
        float x = (logits.get(start + i) - largest) * inverse;
        kept += x >= middle ? TornadoMath.exp(x) : 0.0f;
      }
      float warpSum = context.simdSum(kept);
      if (thread % WARP == 0) {
        partial[thread / WARP] = warpSum;
      }
      context.localBarrier();
      float all = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        all += partial[w];
      }
      context.localBarrier();
      low = all >= enough ? middle : low;
      high = all >= enough ? high : middle;
    }
    cut = low;
    cut = minP > 0.0f ? TornadoMath.max(cut, TornadoMath.log(minP)) : cut;
    cut = temperature > 0.0f ? cut : 0.0f;
    int chunk = (vocabulary + GROUP - 1) / GROUP;
    int end = TornadoMath.min(vocabulary, (thread + 1) * chunk);
    float own = 0.0f;
    for (int i = thread * chunk; i < end; i++) {
      float x = (logits.get(start + i) - largest) * inverse;
      own += x >= cut ? TornadoMath.exp(x) : 0.0f;
    }
    partial[thread] = own;
    context.localBarrier();
    if (thread == 0) {
      float remaining = 0.0f;
      for (int t = 0; t < GROUP; t++) {
        remaining += partial[t];
      }
      float target = temperature > 0.0f ? uniform * remaining : 0.0f;
      float passed = 0.0f;
      int token = -1;
      int found = 0;
      for (int t = 0; t < GROUP; t++) {
        int last = TornadoMath.min(vocabulary, (t + 1) * chunk);
        int first = passed + partial[t] > target && found == 0 ? t * chunk : last;
        float sum = passed;
        for (int i = first; i < last; i++) {
          float x = (logits.get(start + i) - largest) * inverse;
          float weight = x >= cut ? TornadoMath.exp(x) : 0.0f;
          sum += weight;
          if (weight > 0.0f && found == 0) {
            token = i;
            found = sum > target ? 1 : 0;
          }
        }
        passed += partial[t];
      }
      tokens.set(row, token);
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The same in plain Java, one row: by sorting. */
  public static int reference(
      float[] logits, float temperature, int topK, float topP, float minP, float uniform) {
    int best = Argmax.reference(logits);
    if (temperature <= 0) {
      return best;
    }
    double[] weights = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      weights[i] = Math.exp((double) (logits[i] - logits[best]) / temperature);
    }
    double[] sorted = weights.clone();
    java.util.Arrays.sort(sorted);
    int kept = topK > 0 ? Math.min(topK, sorted.length) : sorted.length;
    double mass = 0;
    for (int i = 0; i < kept; i++) {
      mass += sorted[sorted.length - 1 - i];
    }
    double cut = Math.max(minP, sorted[sorted.length - kept]);
    double reached = 0;
    for (int i = 0; i < kept && topP < 1; i++) {
      reached += sorted[sorted.length - 1 - i];
      if (reached >= topP * mass) {
        cut = Math.max(cut, sorted[sorted.length - 1 - i]);
        break;
      }
    }
    double total = 0;
    for (double weight : weights) {
      total += weight >= cut ? weight : 0;
    }
    double passed = 0;
    int token = best;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] >= cut) {
        token = i;
        passed += weights[i];
        if (passed > uniform * total) {
          return i;
        }
      }
    }
    return token;
  }
}
