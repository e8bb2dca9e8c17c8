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

class ChunkAttentionTest {
  /** Row of the first query, queries, position of the first query, sequence. */
  private static final int[] TILES = {0, 16, 0, 0, 16, 3, 16, 0, 19, 9, 61, 1};

  @ParameterizedTest
  @CsvSource({
    "2, 1, 64, 16, 0, 0",
    "2, 2, 32, 8, 20, 0",
    "1, 1, 128, 5, 0, 10",
    "1, 1, 48, 16, 1, 0"
  })
  void attendsCausally(
      int heads, int kvHeads, int headSize, int blockSize, int window, float softCap) {
    Random random = new Random(headSize);
    int rows = 28;
    int width = 70 / blockSize + 1;
    int blocks = 2 * width;
    HalfFloatArray queries = Device.halves(Device.normal(random, rows * heads * headSize));
    int elements = blocks * kvHeads * blockSize * headSize;
    HalfFloatArray keys = Device.halves(Device.normal(random, elements));
    HalfFloatArray values = Device.halves(Device.normal(random, elements));
    IntArray tables = new IntArray(blocks);
    for (int i = 0; i < blocks; i++) {
      tables.set(i, blocks - 1 - i);
    }
    IntArray tiles = IntArray.fromArray(TILES);
    IntArray counts = IntArray.fromElements(3);
    float scale = (float) (1 / Math.sqrt(headSize));
    FloatArray scratch = new FloatArray(3 * heads * ChunkAttention.SCRATCH);
    HalfFloatArray out = new HalfFloatArray(rows * heads * headSize);
    Device.run(
        ChunkAttention.grid(4, heads),
        Device.in(counts, tiles, queries, keys, values, tables),
        g ->
            g.task(
                "kernel",
                ChunkAttention::attend,
                new KernelContext(),
                counts,
                tiles,
                queries,
                keys,
                values,
                tables,
                scratch,
                out,
                heads,
                kvHeads,
                headSize,
                blockSize,
                width,
                window,
                scale,
                softCap),
        Device.out(out));
    for (int t = 0; t < 3; t++) {
      for (int q = 0; q < TILES[4 * t + 1]; q++) {
        int length = TILES[4 * t + 2] + q + 1;
        for (int h = 0; h < heads; h++) {
          float[][] k = new float[length][];
          float[][] v = new float[length][];
          for (int p = 0; p < length; p++) {
            int block = tables.get(TILES[4 * t + 3] * width + p / blockSize);
            int row = (block * kvHeads + h / (heads / kvHeads)) * blockSize + p % blockSize;
            k[p] = Device.floats(keys.slice(row * headSize, headSize));
            v[p] = Device.floats(values.slice(row * headSize, headSize));
          }
          int at = ((TILES[4 * t] + q) * heads + h) * headSize;
          int first = window > 0 ? Math.max(0, length - window) : 0;
          float[] expected =
              PagedAttention.reference(
                  Device.floats(queries.slice(at, headSize)), k, v, first, scale, softCap);
          for (int i = 0; i < headSize; i++) {
            assertThat(out.get(at + i).getFloat32())
                .as("tile %d query %d head %d element %d", t, q, h, i)
                .isCloseTo(expected[i], within(5e-3f));
          }
        }
      }
    }
  }
}
