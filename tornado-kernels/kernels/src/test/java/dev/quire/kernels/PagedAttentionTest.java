package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class PagedAttentionTest {
  /** Lengths of the sequences: one position, around a tile, around a block, several splits. */
  private static final int[] LENGTHS = {1, 33, 150, 64};

  @ParameterizedTest
  @CsvSource({
    "1, 1, 64, 16, 64, 1, 0, 0",
    "4, 1, 64, 16, 200, 4, 0, 0",
    "4, 2, 64, 8, 48, 2, 0, 0",
    "8, 1, 128, 16, 1000, 3, 0, 30",
    "12, 1, 32, 5, 40, 1, 50, 0",
    "9, 1, 80, 64, 96, 2, 0, 0",
    "7, 1, 16, 16, 70, 1, 9, 5",
    "2, 1, 256, 16, 64, 2, 0, 0",
    "6, 2, 96, 32, 64, 4, 7, 0"
  })
  void attendsThroughTheBlockTable(
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int splitLength,
      int warps,
      int window,
      float softCap) {
    int width = (150 + blockSize - 1) / blockSize;
    check(heads, kvHeads, headSize, blockSize, width, splitLength, warps, window, softCap);
  }

  @ParameterizedTest
  @CsvSource({"4, 1, 64, 64", "2, 2, 96, 200"})
  void attendsToAContiguousCache(int heads, int kvHeads, int headSize, int splitLength) {
    check(heads, kvHeads, headSize, 150, 0, splitLength, 2, 0, 0);
  }

  private static void check(
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int width,
      int splitLength,
      int warps,
      int window,
      float softCap) {
    int sequences = LENGTHS.length;
    Random random = new Random(heads * 31L + headSize);
    int blocks = sequences * Math.max(1, width) + 1;
    HalfFloatArray queries = Device.halves(Device.normal(random, sequences * heads * headSize));
    HalfFloatArray keys =
        Device.halves(Device.normal(random, blocks * kvHeads * blockSize * headSize));
    HalfFloatArray values =
        Device.halves(Device.normal(random, blocks * kvHeads * blockSize * headSize));
    IntArray tables = new IntArray(Math.max(1, sequences * width));
    for (int i = 0; i < tables.getSize(); i++) {
      tables.set(i, (i * 7 + 3) % blocks);
    }
    IntArray lengths = IntArray.fromArray(LENGTHS);
    IntArray counts = IntArray.fromElements(sequences, splitLength);
    int splits = (150 + splitLength - 1) / splitLength;
    float scale = (float) (1 / Math.sqrt(headSize));
    FloatArray partial = new FloatArray(sequences * heads * splits * (headSize + 2));
    HalfFloatArray out = new HalfFloatArray(sequences * heads * headSize);
    Device.run(
        AttentionGroups.grid(sequences + 1, heads, kvHeads, splits, warps),
        Device.in(counts, queries, keys, values, tables, lengths, partial, out),
        g ->
            g.task(
                "kernel",
                PagedAttention::attend,
                new KernelContext(),
                counts,
                queries,
                keys,
                values,
                tables,
                lengths,
                partial,
                out,
                heads,
                kvHeads,
                headSize,
                blockSize,
                width,
                splits,
                warps,
                window,
                scale,
                softCap,
                Math.min(warps - 1, 1)),
        Device.out(partial, out));
    Device.run(
        ContextSplits.grid(sequences + 1, kvHeads),
        Device.in(counts, partial, lengths, out),
        g ->
            g.task(
                "kernel",
                ContextSplits::combine,
                new KernelContext(),
                counts,
                partial,
                lengths,
                out,
                heads,
                kvHeads,
                headSize,
                splits,
                window),
        Device.out(out));
    for (int s = 0; s < sequences; s++) {
      for (int h = 0; h < heads; h++) {
        int length = LENGTHS[s];
        float[][] k = new float[length][];
        float[][] v = new float[length][];
        for (int p = 0; p < length; p++) {
          int block = width > 0 ? tables.get(s * width + p / blockSize) : s;
          int row = (block * kvHeads + h / (heads / kvHeads)) * blockSize + p % blockSize;
          k[p] = Device.floats(keys.slice(row * headSize, headSize));
          v[p] = Device.floats(values.slice(row * headSize, headSize));
        }
        int first = window > 0 ? Math.max(0, length - window) : 0;
        float[] query = Device.floats(queries.slice((s * heads + h) * headSize, headSize));
        float[] expected = AttentionReference.attend(query, k, v, first, scale, softCap);
        for (int i = 0; i < headSize; i++) {
          assertThat(out.get((s * heads + h) * headSize + i).getFloat32())
              .as("sequence %d head %d element %d", s, h, i)
              .isCloseTo(expected[i], within(3e-3f));
        }
      }
    }
  }
}
