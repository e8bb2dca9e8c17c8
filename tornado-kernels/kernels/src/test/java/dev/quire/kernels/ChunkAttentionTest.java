package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class ChunkAttentionTest {
  /** Of each sequence: its first query's position and how many there are. */
  private static final int[][] CHUNKS = {{0, 19}, {61, 9}, {70, 1}, {131, 2}};

  @ParameterizedTest
  @CsvSource({
    "2, 1, 64, 16, 0, 0, 0, 3",
    "4, 1, 64, 8, 0, 0, 20, 8",
    "2, 1, 64, 16, 0, 0, 900, 2",
    "7, 1, 64, 16, 0, 0, 0, 1",
    "2, 2, 32, 8, 20, 0, 0, 3",
    "1, 1, 128, 5, 0, 10, 0, 2",
    "3, 1, 80, 16, 70, 0, 40, 3",
    "1, 1, 96, 64, 0, 0, 9, 3",
    "70, 1, 16, 16, 0, 0, 0, 7",
    "1, 1, 48, 16, 1, 0, 0, 3"
  })
  void attendsCausally(
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int window,
      float softCap,
      float growth,
      int groups) {
    Random random = new Random(headSize);
    int width = 133 / blockSize + 1;
    int blocks = CHUNKS.length * width;
    int rows = Arrays.stream(CHUNKS).mapToInt(chunk -> chunk[1]).sum();
    HalfFloatArray queries = Device.halves(Device.normal(random, rows * heads * headSize));
    int elements = blocks * kvHeads * blockSize * headSize;
    HalfFloatArray keys = Device.halves(Device.normal(random, elements));
    HalfFloatArray values = Device.halves(Device.normal(random, elements));
    IntArray tables = new IntArray(blocks);
    for (int i = 0; i < blocks; i++) {
      tables.set(i, blocks - 1 - i);
      // Keys that grow with their position give scores that grow: a row's maximum comes late.
      for (int p = 0; p < blockSize && growth > 0; p++) {
        float factor = 1 + growth * (i % width * blockSize + p) / 133;
        int at = (blocks - 1 - i) * kvHeads * blockSize * headSize;
        for (int h = 0; h < kvHeads; h++) {
          for (int d = 0; d < headSize; d++) {
            int element = at + (h * blockSize + p) * headSize + d;
            keys.set(element, new HalfFloat(keys.get(element).getFloat32() * factor));
          }
        }
      }
    }
    List<int[]> tiles = tiles(ChunkTiles.queries(heads, kvHeads));
    IntArray described = new IntArray(tiles.size() * ChunkTiles.DESCRIPTOR);
    for (int i = 0; i < described.getSize(); i++) {
      described.set(i, tiles.get(i / 4)[i % 4]);
    }
    IntArray counts = IntArray.fromElements(tiles.size());
    float scale = (float) (1 / Math.sqrt(headSize));
    FloatArray scratch = new FloatArray(groups * ChunkTiles.SCRATCH);
    HalfFloatArray out = new HalfFloatArray(rows * heads * headSize);
    Device.run(
        ChunkTiles.grid(groups),
        Device.in(counts, described, queries, keys, values, tables),
        g ->
            g.task(
                "kernel",
                ChunkAttention::attend,
                new KernelContext(),
                counts,
                described,
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
                groups,
                window,
                scale,
                softCap),
        Device.out(out));
    for (int[] tile : tiles) {
      for (int q = 0; q < tile[1]; q++) {
        int length = tile[2] + q + 1;
        for (int h = 0; h < heads; h++) {
          float[][] k = new float[length][];
          float[][] v = new float[length][];
          for (int p = 0; p < length; p++) {
            int block = tables.get(tile[3] * width + p / blockSize);
            int row = (block * kvHeads + h / (heads / kvHeads)) * blockSize + p % blockSize;
            k[p] = Device.floats(keys.slice(row * headSize, headSize));
            v[p] = Device.floats(values.slice(row * headSize, headSize));
          }
          int at = ((tile[0] + q) * heads + h) * headSize;
          int first = window > 0 ? Math.max(0, length - window) : 0;
          float[] expected =
              AttentionReference.attend(
                  Device.floats(queries.slice(at, headSize)), k, v, first, scale, softCap);
          for (int i = 0; i < headSize; i++) {
            assertThat(out.get(at + i).getFloat32())
                .as("position %d head %d element %d", length - 1, h, i)
                .isCloseTo(expected[i], within(5e-3f));
          }
        }
      }
    }
  }

  private static List<int[]> tiles(int queries) {
    List<int[]> tiles = new ArrayList<>();
    int row = 0;
    for (int sequence = 0; sequence < CHUNKS.length; sequence++) {
      int[] chunk = CHUNKS[sequence];
      for (int from = 0; from < chunk[1]; from += queries) {
        int count = Math.min(queries, chunk[1] - from);
        tiles.add(new int[] {row + from, count, chunk[0] + from, sequence});
      }
      row += chunk[1];
    }
    return tiles;
  }
}
