package dev.quire.bench.kernels;

import dev.quire.kernels.AttentionReference;
import dev.quire.kernels.RotaryCache;
import java.util.Random;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Sequences of one length, each with one query.
 *
 * @param label the model whose heads these are
 * @param length positions of each sequence; a multiple of the block size
 * @param splits groups that share a sequence's context
 */
record AttentionShape(
    String label,
    int sequences,
    int length,
    int heads,
    int kvHeads,
    int headSize,
    int blockSize,
    int splits) {
  String text() {
    return label + " " + sequences + "x" + length;
  }

  float scale() {
    return (float) (1 / Math.sqrt(headSize));
  }

  /** Keys and values, read once. */
  double bytes() {
    return 4.0 * sequences * length * kvHeads * headSize + 4.0 * sequences * heads * headSize;
  }

  double operations() {
    return 4.0 * sequences * length * heads * headSize;
  }

  int tableWidth() {
    return length / blockSize;
  }

  int splitLength() {
    return Math.ceilDiv(length, splits);
  }

  /** The arrays of a shape; blocks are scattered over the cache, as after hours of service. */
  static final class Arrays {
    private final AttentionShape shape;
    private final boolean paged;
    final IntArray counts;
    final IntArray tables;
    final IntArray lengths;
    final HalfFloatArray queries;
    final HalfFloatArray keys;
    final HalfFloatArray values;
    final FloatArray partial;
    final HalfFloatArray out;

    Arrays(AttentionShape shape, boolean paged) {
      this.shape = shape;
      this.paged = paged;
      int cache = shape.sequences * shape.length * shape.kvHeads * shape.headSize;
      int rows = shape.sequences * shape.heads;
      counts = IntArray.fromElements(shape.sequences, shape.splitLength());
      lengths = new IntArray(shape.sequences);
      lengths.init(shape.length);
      tables = shuffled(shape.sequences * shape.tableWidth());
      queries = RandomArrays.halves(rows * shape.headSize, 1, 1);
      keys = RandomArrays.halves(cache, 2, 1);
      values = RandomArrays.halves(cache, 3, 1);
      partial = new FloatArray(rows * shape.splits * (shape.headSize + 2));
      out = new HalfFloatArray(rows * shape.headSize);
    }

    private static IntArray shuffled(int count) {
      IntArray order = new IntArray(count);
      Random random = new Random(11);
      for (int i = 0; i < count; i++) {
        int other = random.nextInt(i + 1);
        order.set(i, order.get(other));
        order.set(other, i);
      }
      return order;
    }

    KernelWork work() {
      return new KernelWork(shape.sequences)
          .arrays(counts, tables, lengths, queries, keys, values, partial, out)
          .check(this::error, out);
    }

    /** Of a kernel that stores the last position itself. */
    KernelWork storing() {
      return new KernelWork(shape.sequences)
          .arrays(tables, queries, keys, values, out)
          .check(this::error, out, keys, values);
    }

    /** Takes the rotated queries of a row of sums over, as a reference. */
    void rotate(FloatArray qkv, FloatArray frequencies) {
      for (int head = 0; head < shape.heads; head++) {
        float[] query = new float[shape.headSize];
        for (int i = 0; i < query.length; i++) {
          query[i] = qkv.get(head * query.length + i);
        }
        float[] turned =
            RotaryCache.reference(
                query, shape.length - 1, frequencies.toHeapArray(), shape.headSize / 2, 1);
        for (int i = 0; i < query.length; i++) {
          queries.set(head * query.length + i, new HalfFloat(turned[i]));
        }
      }
    }

    /** Of a prefill chunk: all positions of the only sequence have a query. */
    double chunkError(HalfFloatArray chunkQueries, HalfFloatArray chunkOut) {
      Random random = new Random(5);
      double worst = 0;
      for (int sample = 0; sample < 24; sample++) {
        int position = random.nextInt(shape.length);
        int head = random.nextInt(shape.heads);
        int at = (position * shape.heads + head) * shape.headSize;
        worst = Math.max(worst, error(0, head, position + 1, chunkQueries, chunkOut, at));
      }
      return worst;
    }

    private double error() {
      Random random = new Random(5);
      double worst = 0;
      for (int sample = 0; sample < 6; sample++) {
        int sequence = random.nextInt(shape.sequences);
        int head = random.nextInt(shape.heads);
        int at = (sequence * shape.heads + head) * shape.headSize;
        worst = Math.max(worst, error(sequence, head, shape.length, queries, out, at));
      }
      return worst;
    }

    private double error(
        int sequence, int head, int length, HalfFloatArray from, HalfFloatArray results, int at) {
      float[][] k = new float[length][];
      float[][] v = new float[length][];
      for (int position = 0; position < length; position++) {
        int row = row(sequence, head / (shape.heads / shape.kvHeads), position);
        k[position] = floats(keys, row * shape.headSize);
        v[position] = floats(values, row * shape.headSize);
      }
      float[] expected = AttentionReference.attend(floats(from, at), k, v, 0, shape.scale(), 0);
      float[] actual = floats(results, at);
      double largest = 0;
      double off = 0;
      for (int i = 0; i < shape.headSize; i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
        off = Math.max(off, Math.abs(expected[i] - actual[i]));
      }
      return off / largest;
    }

    private int row(int sequence, int kvHead, int position) {
      if (!paged) {
        return (sequence * shape.kvHeads + kvHead) * shape.length + position;
      }
      int block = tables.get(sequence * shape.tableWidth() + position / shape.blockSize);
      return (block * shape.kvHeads + kvHead) * shape.blockSize + position % shape.blockSize;
    }

    private float[] floats(HalfFloatArray from, int at) {
      float[] values = new float[shape.headSize];
      for (int i = 0; i < values.length; i++) {
        values[i] = from.get(at + i).getFloat32();
      }
      return values;
    }
  }
}
