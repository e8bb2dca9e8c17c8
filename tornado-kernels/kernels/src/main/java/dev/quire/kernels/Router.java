package dev.quire.kernels;

import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Which experts each row gets (Shazeer et al., 2017), from the residual stream as it is, in floats:
 * two experts' logits may lie closer together than activations in halves can tell apart.
 *
 * <pre>
 *   logits   row · router, a warp has two experts and the row's sum of squares beside them
 *   route    row of logits ──► the {@code used} largest, with softmax weights; a warp has a row
 * </pre>
 */
public final class Router {
  private Router() {}

  /** The most experts of a layer. */
  public static final int MOST_EXPERTS = 1024;

  /** Threads of a group of {@link #logits}: four warps. */
  public static final int GROUP = 128;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  /**
   * {@code logits[r, e] = sum over i of router[e, i] * x[r, i]}, where x is the row, normalised as
   * {@link RmsNorm} does if it is to be.
   *
   * @param counts element 0: rows that are there
   * @param residual [rows, width]
   * @param norm [width], read where {@code normalised} is 1
   * @param router [experts, width]
   * @param logits [rows, experts]
   * @param normalised 1 or 0
   */
  public static void logits(
      KernelContext context,
      IntArray counts,
      FloatArray residual,
      FloatArray norm,
      FloatArray router,
      FloatArray logits,
      int experts,
      int width,
      float epsilon,
      int normalised) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    int lane = context.localIdx % WARP;
    int expert = (context.groupIdx * WARPS + context.localIdx / WARP) * 2;
    int upper = TornadoMath.min(expert, experts - 1) * width;
    int lower = TornadoMath.min(expert + 1, experts - 1) * width;
    float squares = 0.0f;
    float a = 0.0f;
    float b = 0.0f;
    for (int i = lane; i < width; i += WARP) {
      float element = residual.get(row * width + i);
      float x = element;
      if (normalised == 1) {
        squares += element * element;
        x = element * norm.get(i);
      }
      a += x * router.get(upper + i);
      b += x * router.get(lower + i);
    }
    squares = context.simdSum(squares);
    a = context.simdSum(a);
    b = context.simdSum(b);
    float scale = 1.0f;
    if (normalised == 1) {
      scale = 1.0f / TornadoMath.sqrt(squares / width + epsilon);
    }
    if (lane == 0) {
      if (expert < experts) {
        logits.set(row * experts + expert, a * scale);
      }
      if (expert + 1 < experts) {
        logits.set(row * experts + expert + 1, b * scale);
      }
    }
  }

  /**
   * Chooses each row's experts; of equal ones the first.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, experts]
   * @param chosen [rows, used]
   * @param shares [rows, used]: the softmax over all experts, at those chosen
   * @param experts at most {@link #MOST_EXPERTS}
   * @param normalised 1 if a row's shares are scaled to a sum of one, else 0
   */
  public static void route(
      KernelContext context,
      IntArray counts,
      FloatArray logits,
      IntArray chosen,
      FloatArray shares,
      int experts,
      int used,
      int normalised) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] left = context.allocateFloatLocalArray(MOST_EXPERTS);
    int lane = context.localIdx;
    float largest = Float.NEGATIVE_INFINITY;
    for (int e = lane; e < experts; e += WARP) {
      float logit = logits.get(row * experts + e);
      left[e] = logit; // A lane reads its own alone.
      largest = TornadoMath.max(largest, logit);
    }
    largest = Warps.maximum(context, largest);
    float all = 0.0f;
    for (int e = lane; e < experts; e += WARP) {
      all += TornadoMath.exp(left[e] - largest);
    }
    all = context.simdSum(all);
    float taken = 0.0f;
    for (int u = 0; u < used; u++) {
      float best = Float.NEGATIVE_INFINITY;
      int at = experts;
      for (int e = lane; e < experts; e += WARP) {
        float logit = left[e];
        at = logit > best ? e : at;
        best = TornadoMath.max(best, logit);
      }
      float highest = Warps.maximum(context, best);
      float first = Warps.maximum(context, best == highest ? -at : -experts);
      int winner = TornadoMath.min((int) -first, experts - 1);
      float share = TornadoMath.exp(highest - largest);
      taken += share;
      if (lane == winner % WARP) {
        left[winner] = Float.NEGATIVE_INFINITY;
      }
      if (lane == 0) {
        chosen.set(row * used + u, winner);
        shares.set(row * used + u, share);
      }
    }
    float divisor = normalised == 1 ? taken : all;
    if (lane == 0) {
      for (int u = 0; u < used; u++) {
        shares.set(row * used + u, shares.get(row * used + u) / divisor);
      }
    }
  }

  /** Groups for {@link #logits}: eight experts of a row each. */
  public static WorkerGrid logitsGrid(int rows, int experts) {
    WorkerGrid grid = new WorkerGrid2D(Math.ceilDiv(experts, 2 * WARPS) * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Groups for {@link #route}: a warp for each of at most {@code rows} rows. */
  public static WorkerGrid routeGrid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * WARP);
    grid.setLocalWork(WARP, 1, 1);
    return grid;
  }

  /** {@link #logits} in plain Java, one row; {@code norm} is null where the row is taken as is. */
  public static float[] logitsReference(
      float[] residual, float @Nullable [] norm, float[] router, float epsilon) {
    double squares = 0;
    for (float element : residual) {
      squares += (double) element * element;
    }
    double scale = norm == null ? 1 : 1 / Math.sqrt(squares / residual.length + epsilon);
    float[] logits = new float[router.length / residual.length];
    for (int e = 0; e < logits.length; e++) {
      double sum = 0;
      for (int i = 0; i < residual.length; i++) {
        double weight = norm == null ? 1 : norm[i];
        sum += residual[i] * weight * router[e * residual.length + i];
      }
      logits[e] = (float) (sum * scale);
    }
    return logits;
  }

  /** {@link #route} in plain Java, one row: the share of every expert, 0 where it isn't chosen. */
  public static float[] reference(float[] logits, int used, boolean normalised) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double all = 0;
    for (float logit : logits) {
      all += Math.exp(logit - largest);
    }
    float[] rest = logits.clone();
    float[] shares = new float[logits.length];
    double taken = 0;
    for (int u = 0; u < used; u++) {
      int best = Argmax.reference(rest);
      shares[best] = (float) Math.exp(logits[best] - largest);
      taken += shares[best];
      rest[best] = Float.NEGATIVE_INFINITY;
    }
    for (int e = 0; e < shares.length; e++) {
      shares[e] = (float) (shares[e] / (normalised ? taken : all));
    }
    return shares;
  }
}
