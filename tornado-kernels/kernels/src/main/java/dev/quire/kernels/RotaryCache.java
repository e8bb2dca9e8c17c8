package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Rotary position embedding (Su et al., 2021) of queries and keys, fused with the write of keys and
 * values into their block slots.
 *
 * <pre>
 *   qkv row   ├─ q: heads·size ─┼─ k: kvHeads·size ─┼─ v: kvHeads·size ─┤     one group a row
 *                  │ rotate            │ rotate             │ round
 *                  ▼                   ▼                    ▼
 *               queries row      keys[block, kvHead, slot]  values[block, kvHead, slot]
 * </pre>
 */
public final class RotaryCache {
  private RotaryCache() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  /**
   * Rotates and stores. Pair i of a head is turned by {@code positions[r] * frequencies[i]} and
   * multiplied by {@code magnitude}; elements from {@code rotary} on stay as they are.
   *
   * @param counts element 0: rows that are there
   * @param qkv [rows, (heads + 2 * kvHeads) * headSize]
   * @param positions [rows]
   * @param slots [rows]: block * blockSize + place in the block; negative: not to be stored
   * @param frequencies [rotary / 2], radians a position
   * @param queries [rows, heads * headSize]
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param rotary elements of a head that are rotated, even; 0: none
   * @param apart 1 if a pair's elements are neighbours, rotary / 2 if they are that far apart
   */
  public static void rotateAndStore(
      KernelContext context,
      IntArray counts,
      FloatArray qkv,
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
      float magnitude) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    int half = headSize / 2;
    int turned = rotary / 2;
    int stride = apart == 1 ? 2 : 1;
    int start = row * (heads + 2 * kvHeads) * headSize;
    int position = positions.get(row);
    int slot = slots.get(row);
    int block = slot / blockSize;
    int place = slot % blockSize;
    for (int i = context.localIdx; i < heads * half; i += GROUP) {
      int head = i / half;
      int pair = i % half;
      int first = pair < turned ? pair * stride : 2 * pair;
      int second = pair < turned ? first + apart : first + 1;
      float angle = pair < turned ? position * frequencies.get(pair) : 0.0f;
      float size = pair < turned ? magnitude : 1.0f;
      float cosine = size * TornadoMath.cos(angle);
      float sine = size * TornadoMath.sin(angle);
      float x = qkv.get(start + head * headSize + first);
      float y = qkv.get(start + head * headSize + second);
      int to = (row * heads + head) * headSize;
      queries.set(to + first, new HalfFloat(x * cosine - y * sine));
      queries.set(to + second, new HalfFloat(x * sine + y * cosine));
    }
    int cached = slot < 0 ? 0 : kvHeads * half;
    for (int i = context.localIdx; i < cached; i += GROUP) {
      int head = i / half;
      int pair = i % half;
      int first = pair < turned ? pair * stride : 2 * pair;
      int second = pair < turned ? first + apart : first + 1;
      float angle = pair < turned ? position * frequencies.get(pair) : 0.0f;
      float size = pair < turned ? magnitude : 1.0f;
      float cosine = size * TornadoMath.cos(angle);
      float sine = size * TornadoMath.sin(angle);
      float x = qkv.get(start + (heads + head) * headSize + first);
      float y = qkv.get(start + (heads + head) * headSize + second);
      int to = ((block * kvHeads + head) * blockSize + place) * headSize;
      keys.set(to + first, new HalfFloat(x * cosine - y * sine));
      keys.set(to + second, new HalfFloat(x * sine + y * cosine));
    }
    for (int i = context.localIdx; i < cached; i += GROUP) {
      int head = i / half;
      int pair = i % half;
      int at = start + (heads + kvHeads + head) * headSize + 2 * pair;
      int to = ((block * kvHeads + head) * blockSize + place) * headSize + 2 * pair;
      values.set(to, new HalfFloat(qkv.get(at)));
      values.set(to + 1, new HalfFloat(qkv.get(at + 1)));
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
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
