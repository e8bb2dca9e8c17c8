package dev.quire.kernels;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Greedy, temperature, top-k, top-p and min-p sampling of each sampled row, from the best of its
 * slices ({@link Argmax}) on, without sorting a vocabulary.
 *
 * <pre>
 *   slices' best  │ 7.1 │ 3.0 │ 9.4 │ … │       one group a row, 512 threads
 *   turn i: the best of all ──► i-th candidate; a warp looks through its slice for the next best
 *           until top-k or top-p has enough, or min-p cuts off
 *   weights of the candidates, best first │▇▆▃▂│ ── running sum passes uniform · total ──► token
 *
 *   neither top-k nor top-p: weights of slices, then of one slice, in the vocabulary's order
 * </pre>
 *
 * <p>Conditions are products of 0 and 1, and the better of two candidates is found by maxima: of a
 * condition that joins more than two comparisons TornadoVM 5.2 loses a negation.
 */
public final class Sampling {
  private Sampling() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 512;

  /** Floats of a row's parameters: temperature, top-k, top-p, min-p, uniform. */
  public static final int PARAMETERS = 5;

  /** The most candidates that top-k and top-p look at. */
  public static final int MOST = 256;

  /** The token of a row that needs more candidates than {@link #MOST}. */
  public static final int UNDECIDED = -2;

  /** The token of a row in which no token has a chance. */
  public static final int IMPOSSIBLE = -1;

  /** The most tokens of a vocabulary. */
  public static final int MOST_TOKENS = 2048 * Argmax.SLICE;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int SLICE = Argmax.SLICE;
  private static final int MOST_SLICES = 2048;

  /**
   * Draws a token a row.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, vocabulary]
   * @param sliceBest [rows, slices], as {@link Argmax#slice} leaves them
   * @param sliceTokens as sliceBest
   * @param parameters [rows, 5]: temperature (0: the largest wins), top-k (0: off), top-p (1: off),
   *     min-p (0: off), and a number of [0, 1) that decides
   * @param tokens [rows]: the tokens, {@link #IMPOSSIBLE} or {@link #UNDECIDED}
   */
  public static void draw(
      KernelContext context,
      IntArray counts,
      FloatArray logits,
      FloatArray sliceBest,
      IntArray sliceTokens,
      FloatArray parameters,
      IntArray tokens,
      int vocabulary,
      int slices) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] best = context.allocateFloatLocalArray(MOST_SLICES);
    float[] bestToken = context.allocateFloatLocalArray(MOST_SLICES);
    float[] sums = context.allocateFloatLocalArray(MOST_SLICES);
    float[] kept = context.allocateFloatLocalArray(MOST);
    float[] keptToken = context.allocateFloatLocalArray(MOST);
    float[] warpBest = context.allocateFloatLocalArray(WARPS);
    float[] warpToken = context.allocateFloatLocalArray(WARPS);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int start = row * vocabulary;
    float temperature = parameters.get(row * PARAMETERS);
    int topK = (int) parameters.get(row * PARAMETERS + 1);
    float topP = parameters.get(row * PARAMETERS + 2);
    float minP = parameters.get(row * PARAMETERS + 3);
    float uniform = parameters.get(row * PARAMETERS + 4);
    float inverse = 1.0f / TornadoMath.max(temperature, 1e-6f);
    float least = minP > 0.0f ? TornadoMath.log(minP) : -1000.0f;
    int sampled = temperature > 0.0f ? 1 : 0;
    int few = topK > 0 ? 1 : 0;
    int likeliest = topP < 1.0f ? 1 : 0;
    int whole = sampled * (1 - few);
    int byOrder = whole * (1 - likeliest);
    int wantedCandidates = topK > 0 ? TornadoMath.min(topK, vocabulary) : vocabulary;
    int limit = TornadoMath.min(wantedCandidates, MOST);
    limit = sampled * (few + likeliest) > 0 ? limit : 1;
    for (int s = thread; s < slices; s += GROUP) {
      best[s] = sliceBest.get(row * slices + s);
      bestToken[s] = sliceTokens.get(row * slices + s);
    }
    float largest = Float.NEGATIVE_INFINITY;
    float enough = Float.MAX_VALUE;
    float total = 0.0f;
    float reached = 0.0f;
    int count = 0;
    int more = 1;
    while (more > 0) {
      context.localBarrier();
      float value = Float.NEGATIVE_INFINITY;
      float token = vocabulary;
      for (int s = thread; s < slices; s += GROUP) {
        float other = best[s];
        float larger = TornadoMath.max(other, value);
        float mine = value == larger ? token : vocabulary;
        float its = other == larger ? bestToken[s] : vocabulary;
        token = TornadoMath.min(mine, its);
        value = larger;
      }
      for (int distance = WARP / 2; distance > 0; distance /= 2) {
        float other = context.simdShuffleDown(value, distance);
        float otherToken = context.simdShuffleDown(token, distance);
        float larger = TornadoMath.max(other, value);
        float mine = value == larger ? token : vocabulary;
        float its = other == larger ? otherToken : vocabulary;
        token = TornadoMath.min(mine, its);
        value = larger;
      }
      if (lane == 0) {
        warpBest[warp] = value;
        warpToken[warp] = token;
      }
      context.localBarrier();
      value = warpBest[0];
      token = warpToken[0];
      for (int w = 1; w < WARPS; w++) {
        float other = warpBest[w];
        float larger = TornadoMath.max(other, value);
        float mine = value == larger ? token : vocabulary;
        float its = other == larger ? warpToken[w] : vocabulary;
        token = TornadoMath.min(mine, its);
        value = larger;
      }
      largest = count == 0 ? value : largest;
      int weighs = count == 0 ? whole : 0;
      if (weighs > 0) {
        for (int s = warp; s < slices; s += WARPS) {
          float weights = 0.0f;
          for (int step = 0; step < SLICE / WARP; step++) {
            int i = s * SLICE + step * WARP + lane;
            if (i < vocabulary) {
              float exponent = (logits.get(start + i) - largest) * inverse;
              weights += exponent >= least ? TornadoMath.exp(exponent) : 0.0f;
            }
          }
          float sliceSum = context.simdSum(weights);
          if (lane == 0) {
            sums[s] = sliceSum;
          }
        }
        context.localBarrier();
        float own = 0.0f;
        for (int s = lane; s < slices; s += WARP) {
          own += sums[s];
        }
        total = context.simdSum(own);
        enough = topP * total;
      }
      float exponent = (value - largest) * inverse;
      int possible = value > Float.NEGATIVE_INFINITY ? 1 : 0;
      int candidate = exponent >= least ? possible : 0;
      int keeps = thread == 0 ? candidate : 0;
      if (keeps > 0) {
        kept[count] = TornadoMath.exp(exponent);
        keptToken[count] = token;
      }
      reached += candidate > 0 ? TornadoMath.exp(exponent) : 0.0f;
      count += candidate;
      int below = count < limit ? 1 : 0;
      int missing = reached < enough ? 1 : 0;
      more = candidate * below * missing;
      int slice = (int) token / SLICE;
      int looks = warp == slice % WARPS ? more : 0;
      if (looks > 0) {
        float next = Float.NEGATIVE_INFINITY;
        float nextToken = vocabulary;
        for (int step = 0; step < SLICE / WARP; step++) {
          int i = slice * SLICE + step * WARP + lane;
          if (i < vocabulary) {
            float other = logits.get(start + i);
            int less = other < value ? 1 : 0;
            int equal = other == value ? 1 : 0;
            int later = i > token ? 1 : 0;
            int larger = other > next ? 1 : 0;
            int better = (less + equal * later) * larger;
            nextToken = better > 0 ? i : nextToken;
            next = better > 0 ? other : next;
          }
        }
        for (int distance = WARP / 2; distance > 0; distance /= 2) {
          float other = context.simdShuffleDown(next, distance);
          float otherToken = context.simdShuffleDown(nextToken, distance);
          float larger = TornadoMath.max(other, next);
          float mine = next == larger ? nextToken : vocabulary;
          float its = other == larger ? otherToken : vocabulary;
          nextToken = TornadoMath.min(mine, its);
          next = larger;
        }
        if (lane == 0 && slice < slices) {
          best[slice] = next;
          bestToken[slice] = nextToken;
        }
      }
    }
    context.localBarrier();
    if (thread == 0) {
      int drawn = count > 0 ? (int) keptToken[0] : IMPOSSIBLE;
      int candidates = sampled * (1 - byOrder) * count;
      float mass = 0.0f;
      for (int i = 0; i < candidates; i++) {
        mass += kept[i];
      }
      float wanted = topK > 0 ? topP * mass : enough;
      float inReach = 0.0f;
      int nucleus = 0;
      for (int i = 0; i < candidates; i++) {
        int lacks = inReach < wanted ? 1 : 0;
        int first = i == 0 ? 1 : 0;
        nucleus += lacks + first > 0 ? 1 : 0;
        inReach += lacks + first > 0 ? kept[i] : 0.0f;
      }
      float target = uniform * inReach;
      float passed = 0.0f;
      int found = 0;
      for (int i = 0; i < nucleus; i++) {
        passed += kept[i];
        drawn = found == 0 ? (int) keptToken[i] : drawn;
        found = passed > target ? 1 : found;
      }
      int chosen = -1;
      float before = 0.0f;
      float running = 0.0f;
      int ordered = count > 0 ? byOrder * slices : 0;
      float orderedTarget = uniform * total;
      found = 0;
      for (int s = 0; s < ordered; s++) {
        int here = sums[s] > 0.0f ? 1 - found : 0;
        chosen = here > 0 ? s : chosen;
        before = here > 0 ? running : before;
        running += sums[s];
        found = running > orderedTarget ? 1 : found;
      }
      int from = chosen * SLICE;
      int to = chosen < 0 ? from : TornadoMath.min(vocabulary, from + SLICE);
      found = 0;
      for (int i = from; i < to; i++) {
        float exponent = (logits.get(start + i) - largest) * inverse;
        float weight = exponent >= least ? TornadoMath.exp(exponent) : 0.0f;
        before += weight;
        int here = weight > 0.0f ? 1 - found : 0;
        drawn = here > 0 ? i : drawn;
        found = before > orderedTarget ? 1 : found;
      }
      // More candidates would have been needed than were looked at.
      int full = candidates == MOST ? 1 : 0;
      int wantsMore = wantedCandidates > MOST ? 1 : 0;
      int lacking = reached < enough ? 1 : 0;
      drawn = full * wantsMore * lacking > 0 ? UNDECIDED : drawn;
      drawn = largest == Float.POSITIVE_INFINITY ? IMPOSSIBLE : drawn;
      tokens.set(row, drawn);
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
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < logits.length; i++) {
      weights[i] = Math.exp((double) (logits[i] - logits[best]) / temperature);
      if (weights[i] >= minP) {
        order.add(i);
      }
    }
    if (topK > 0 || topP < 1) {
      order.sort(Comparator.comparingDouble((Integer i) -> -weights[i]));
      order = order.subList(0, topK > 0 ? Math.min(topK, order.size()) : order.size());
      double wanted = topP * order.stream().mapToDouble(i -> weights[i]).sum();
      double reached = 0;
      int kept = 0;
      while (kept < order.size() && (kept == 0 || reached < wanted)) {
        reached += weights[order.get(kept++)];
      }
      order = order.subList(0, kept);
    }
    double target = uniform * order.stream().mapToDouble(i -> weights[i]).sum();
    double passed = 0;
    for (int token : order) {
      passed += weights[token];
      if (passed > target) {
        return token;
      }
    }
    return order.getLast();
  }
}
