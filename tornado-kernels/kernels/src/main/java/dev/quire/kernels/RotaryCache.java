package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Rotary position embedding (Su et al., 2021) of queries and keys, normalised first where a model
 * has that (Henry et al., 2020), fused with the write of keys and values into their block slots.
 *
 * <pre>
 *   qkv row   ├ q0 ┼ q1 ┼ … ┼ k0 ┼ … ┼ v0 ┼ … ┤        a warp a head, four heads a group
 *               │ norm, rotate   │        │ round         lane = pair of elements
 *               ▼                ▼        ▼
 *          queries row   keys[block, kvHead, slot]  values[block, kvHead, slot]
 * </pre>
 */
public final class RotaryCache {
  private RotaryCache() {}

  /** Threads of a group, which handles four heads of a row. */
  public static final int GROUP = 128;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  /**
   * Added to the position of a row whose sequence is longer than the model's original context
   * (LongRoPE): it is rotated by the second set of frequencies.
   */
  public static final int STRETCHED = 1 << 30;

  /**
   * Normalises, rotates and stores. Pair i of a head is turned by {@code positions[r] *
   * frequencies[i]} and multiplied by {@code magnitude}; elements from {@code rotary} on stay as
   * they are.
   *
   * @param counts element 0: rows that are there
   * @param qkv [rows, (heads + 2 * kvHeads) * headSize]
   * @param positions [rows], those of stretched sequences plus {@link #STRETCHED}
   * @param slots [rows]: block * blockSize + place in the block; negative: not to be stored
   * @param frequencies [rotary / 2], radians a position; twice that where sequences may be
   *     stretched, theirs behind the usual ones
   * @param queryNorm [headSize], any array if {@code norm} is 0
   * @param keyNorm as queryNorm
   * @param queries [rows, heads * headSize]
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param rotary elements of a head that are rotated, even; 0: none
   * @param apart 1 if a pair's elements are neighbours, rotary / 2 if they are that far apart
   * @param norm 1: first {@code x *= weight / sqrt(mean(x²) + epsilon)} in each query and key head
   */
  public static void rotateAndStore(
      KernelContext context,
      IntArray counts,
      FloatArray qkv,
      IntArray positions,
      IntArray slots,
      FloatArray frequencies,
      FloatArray queryNorm,
      FloatArray keyNorm,
      HalfFloatArray queries,
      HalfFloatArray keys,
      HalfFloatArray values,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int rotary,
      int apart,
      float magnitude,
      int norm,
      float epsilon) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    int all = heads + 2 * kvHeads;
    int lane = context.localIdx % WARP;
    int head = context.groupIdx * WARPS + context.localIdx / WARP;
    int pairs = head < all ? headSize / 2 : 0;
    int rotated = head < heads + kvHeads ? rotary / 2 : 0;
    int stride = apart == 1 ? 2 : 1;
    int start = (row * all + head) * headSize;
    int given = positions.get(row);
    int position = given % STRETCHED;
    int set = given / STRETCHED * (rotary / 2);
    int slot = slots.get(row);
    int kvHead = head < heads + kvHeads ? head - heads : head - heads - kvHeads;
    int cached = ((slot / blockSize * kvHeads + kvHead) * blockSize + slot % blockSize) * headSize;
    float scale = 1.0f;
    if (norm > 0) {
      float squares = 0.0f;
      for (int pair = lane; pair < pairs; pair += WARP) {
        float x = qkv.get(start + 2 * pair);
        float y = qkv.get(start + 2 * pair + 1);
        squares += x * x + y * y;
      }
      scale = 1.0f / TornadoMath.sqrt(context.simdSum(squares) / headSize + epsilon);
    }
    for (int pair = lane; pair < pairs; pair += WARP) {
      int first = pair < rotated ? pair * stride : 2 * pair;
      int second = pair < rotated ? first + apart : first + 1;
      float x = qkv.get(start + first);
      float y = qkv.get(start + second);
      if (norm > 0) {
        if (head < heads) {
          x *= scale * queryNorm.get(first);
          y *= scale * queryNorm.get(second);
        } else if (head < heads + kvHeads) {
          x *= scale * keyNorm.get(first);
          y *= scale * keyNorm.get(second);
        }
      }
      float left = x;
      float right = y;
      if (pair < rotated) {
        float angle = position * frequencies.get(set + pair);
        float cosine = magnitude * TornadoMath.cos(angle);
        float sine = magnitude * TornadoMath.sin(angle);
        left = x * cosine - y * sine;
        right = x * sine + y * cosine;
      }
      if (head < heads) {
        int to = (row * heads + head) * headSize;
        queries.set(to + first, new HalfFloat(left));
        queries.set(to + second, new HalfFloat(right));
      } else if (slot >= 0) {
        if (head < heads + kvHeads) {
          keys.set(cached + first, new HalfFloat(left));
          keys.set(cached + second, new HalfFloat(right));
        } else {
          values.setHalf2(cached + first, Half2.fromFloats(left, right));
        }
      }
    }
  }

  /**
   * {@link #rotateAndStore} without norms of heads, of rows that a product leaves in parts.
   *
   * @param parts [splits, partRows, (heads + 2 * kvHeads) * headSize], added in this order
   */
  public static void rotateParts(
      KernelContext context,
      IntArray counts,
      FloatArray parts,
      IntArray positions,
      IntArray slots,
      FloatArray frequencies,
      HalfFloatArray queries,
      HalfFloatArray keys,
      HalfFloatArray values,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int rotary,
      int apart,
      float magnitude,
      int splits,
      int partRows) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    int all = heads + 2 * kvHeads;
    int lane = context.localIdx % WARP;
    int head = context.groupIdx * WARPS + context.localIdx / WARP;
    int pairs = head < all ? headSize / 2 : 0;
    int rotated = head < heads + kvHeads ? rotary / 2 : 0;
    int stride = apart == 1 ? 2 : 1;
    int start = (row * all + head) * headSize;
    int part = partRows * all * headSize;
    int given = positions.get(row);
    int position = given % STRETCHED;
    int set = given / STRETCHED * (rotary / 2);
    int slot = slots.get(row);
    int kvHead = head < heads + kvHeads ? head - heads : head - heads - kvHeads;
    int cached = ((slot / blockSize * kvHeads + kvHead) * blockSize + slot % blockSize) * headSize;
    for (int pair = lane; pair < pairs; pair += WARP) {
      int first = pair < rotated ? pair * stride : 2 * pair;
      int second = pair < rotated ? first + apart : first + 1;
      float x = 0.0f;
      float y = 0.0f;
      for (int s = 0; s < splits; s++) {
        x += parts.get(s * part + start + first);
        y += parts.get(s * part + start + second);
      }
      float left = x;
      float right = y;
      if (pair < rotated) {
        float angle = position * frequencies.get(set + pair);
        float cosine = magnitude * TornadoMath.cos(angle);
        float sine = magnitude * TornadoMath.sin(angle);
        left = x * cosine - y * sine;
        right = x * sine + y * cosine;
      }
      if (head < heads) {
        int to = (row * heads + head) * headSize;
        queries.set(to + first, new HalfFloat(left));
        queries.set(to + second, new HalfFloat(right));
      } else if (slot >= 0) {
        if (head < heads + kvHeads) {
          keys.set(cached + first, new HalfFloat(left));
          keys.set(cached + second, new HalfFloat(right));
        } else {
          values.setHalf2(cached + first, Half2.fromFloats(left, right));
        }
      }
    }
  }

  /** Groups for at most {@code rows} rows. */
  public static WorkerGrid grid(int rows, int heads, int kvHeads) {
    WorkerGrid grid = new WorkerGrid2D((heads + 2 * kvHeads + WARPS - 1) / WARPS * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** One head rotated in plain Java. */
  public static float[] reference(
      float[] head, int position, float[] frequencies, int apart, float magnitude) {
    float[] out = head.clone();
    int stride = apart == 1 ? 2 : 1;
    for (int pair = 0; pair < frequencies.length; pair++) {
      float angle = position * frequencies[pair];
      double cosine = magnitude * Math.cos(angle);
      double sine = magnitude * Math.sin(angle);
      int i = pair * stride;
      out[i] = (float) (head[i] * cosine - head[i + apart] * sine);
      out[i + apart] = (float) (head[i] * sine + head[i + apart] * cosine);
    }
    return out;
  }
}
