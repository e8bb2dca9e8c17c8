package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What goes row by row beside the layers: grids are larger than the rows that are there. */
class RowsTest {
  private static final int ROWS = 3;
  private static final int GRID_ROWS = 5;

  private final Random random = new Random(11);
  private final KernelContext context = new KernelContext();
  private final IntArray counts = IntArray.fromElements(ROWS);

  @ParameterizedTest
  @ValueSource(ints = {1, 64, 300})
  void wantedRowsAreGathered(int width) {
    int[] wanted = {4, 0, 4, 1, 1};
    FloatArray source = FloatArray.fromArray(Device.normal(random, 5 * width));
    FloatArray target = new FloatArray(GRID_ROWS * width);
    IntArray list = IntArray.fromArray(wanted);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, list, source, target),
        g -> g.task("kernel", Rows::gather, context, counts, list, source, target, width),
        Device.out(target));
    float[] expected = Rows.reference(source.toHeapArray(), Arrays.copyOf(wanted, ROWS), width);
    assertThat(target.toHeapArray()).startsWith(expected);
    assertThat(target.get(ROWS * width)).as("a row that is not there").isZero();
  }

  @Test
  void rowsAreScaledAndGetTheirBias() {
    int width = 270;
    float[] x = Device.normal(random, GRID_ROWS * width);
    float[] bias = Device.normal(random, width);
    FloatArray scaled = FloatArray.fromArray(x);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, scaled),
        g -> g.task("kernel", Rows::scale, context, counts, scaled, width, 0.25f),
        Device.out(scaled));
    FloatArray biased = FloatArray.fromArray(x);
    FloatArray biases = FloatArray.fromArray(bias);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, biased, biases),
        g -> g.task("kernel", Rows::addBias, context, counts, biased, biases, width),
        Device.out(biased));
    for (int i = 0; i < x.length; i++) {
      boolean there = i < ROWS * width;
      assertThat(scaled.get(i)).isEqualTo(there ? x[i] * 0.25f : x[i]);
      assertThat(biased.get(i)).isEqualTo(there ? x[i] + bias[i % width] : x[i]);
    }
  }

  @Test
  void rowsBecomeHalvesAndFloatsAgain() {
    int width = 257;
    FloatArray x = FloatArray.fromArray(Device.normal(random, GRID_ROWS * width));
    HalfFloatArray halves = new HalfFloatArray(GRID_ROWS * width);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, x, halves),
        g -> g.task("kernel", Rows::toHalf, context, counts, x, halves, width),
        Device.out(halves));
    FloatArray floats = new FloatArray(GRID_ROWS * width);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, halves, floats),
        g -> g.task("kernel", Rows::toFloat, context, counts, halves, floats, width),
        Device.out(floats));
    FloatArray copy = new FloatArray(GRID_ROWS * width);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, floats, copy),
        g -> g.task("kernel", Rows::copy, context, counts, floats, copy, width),
        Device.out(copy));
    for (int i = 0; i < x.getSize(); i++) {
      float half = Float.float16ToFloat(Float.floatToFloat16(x.get(i)));
      assertThat(copy.get(i)).isEqualTo(i < ROWS * width ? half : 0);
    }
  }

  @ParameterizedTest
  @CsvSource({"500, 512, 0.5, 30", "500, 500, 2, 0", "1, 8, 1, 0"})
  void logitsAreCappedAndEndWithTheVocabulary(
      int vocabulary, int stride, float factor, float softCap) {
    float[] logits = Device.normal(random, GRID_ROWS * stride);
    FloatArray device = FloatArray.fromArray(logits);
    Device.run(
        Rows.grid(GRID_ROWS),
        Device.in(counts, device),
        g ->
            g.task(
                "kernel",
                Rows::finishLogits,
                context,
                counts,
                device,
                vocabulary,
                stride,
                factor,
                softCap),
        Device.out(device));
    for (int i = 0; i < ROWS * stride; i++) {
      if (i % stride < vocabulary) {
        float expected = Rows.finished(logits[i], factor, softCap);
        assertThat(device.get(i)).isCloseTo(expected, within(1e-5f));
      } else {
        assertThat(device.get(i)).isEqualTo(Float.NEGATIVE_INFINITY);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 96, 700})
  void resultsAreNormalisedOrScaledBeforeTheyAreAdded(int width) {
    float[] residual = Device.normal(random, GRID_ROWS * width);
    float[] delta = Device.normal(random, GRID_ROWS * width);
    float[] weight = Device.normal(random, width);
    FloatArray normed = FloatArray.fromArray(residual);
    FloatArray scaled = FloatArray.fromArray(residual);
    FloatArray deltas = FloatArray.fromArray(delta);
    FloatArray weights = FloatArray.fromArray(weight);
    Device.run(
        SandwichNorm.grid(GRID_ROWS),
        Device.in(counts, normed, deltas, weights),
        g ->
            g.task(
                "kernel",
                SandwichNorm::normalizeAndAdd,
                context,
                counts,
                normed,
                deltas,
                weights,
                width,
                1e-5f,
                0.5f),
        Device.out(normed));
    Device.run(
        SandwichNorm.grid(GRID_ROWS),
        Device.in(counts, scaled, deltas),
        g ->
            g.task(
                "kernel", SandwichNorm::scaleAndAdd, context, counts, scaled, deltas, width, 0.5f),
        Device.out(scaled));
    for (int row = 0; row < GRID_ROWS; row++) {
      float[] before = Arrays.copyOfRange(residual, row * width, (row + 1) * width);
      float[] added = Arrays.copyOfRange(delta, row * width, (row + 1) * width);
      float[] expected = SandwichNorm.reference(before, added, weight, 1e-5f, 0.5f);
      for (int i = 0; i < width; i++) {
        float found = normed.get(row * width + i);
        assertThat(found).isCloseTo(row < ROWS ? expected[i] : before[i], within(1e-4f));
        assertThat(scaled.get(row * width + i))
            .isCloseTo(row < ROWS ? before[i] + 0.5f * added[i] : before[i], within(1e-6f));
      }
    }
  }

  @Test
  void aProbeReadsWhatIsReady() {
    float[] values = Device.normal(random, 1000);
    HalfFloatArray halves = Device.halves(values);
    for (int ready = 0; ready < 2; ready++) {
      IntArray whether = IntArray.fromElements(ready);
      FloatArray out = new FloatArray(Probe.GROUP);
      Device.run(
          Probe.grid(),
          Device.in(whether, halves, out),
          g -> g.task("kernel", Probe::halves, context, whether, halves, out, 900, 100),
          Device.out(out));
      for (int i = 0; i < Probe.GROUP; i++) {
        boolean read = ready == 1 && i < 100;
        assertThat(out.get(i)).isEqualTo(read ? halves.get(900 + i).getFloat32() : 0);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, 8, 16, 1, 0, 0",
    "4, 2, 32, 8, 40, 0, 0",
    "2, 2, 160, 16, 300, 0, 0",
    "4, 1, 40, 4, 150, 20, 0",
    "2, 1, 512, 16, 130, 0, 30",
  })
  void aRowAttendsToThePositionsUpToItsOwn(
      int heads, int kvHeads, int headSize, int blockSize, int length, int window, float softCap) {
    int tableWidth = Math.ceilDiv(length, blockSize);
    int blocks = ROWS * tableWidth;
    int blockElements = kvHeads * blockSize * headSize;
    IntArray tables = new IntArray(blocks);
    for (int i = 0; i < blocks; i++) {
      tables.set(i, blocks - 1 - i);
    }
    HalfFloatArray keys = Device.halves(Device.normal(random, blocks * blockElements));
    HalfFloatArray values = Device.halves(Device.normal(random, blocks * blockElements));
    HalfFloatArray queries = Device.halves(Device.normal(random, GRID_ROWS * heads * headSize));
    IntArray sequences = IntArray.fromElements(2, 0, 1, 0, 0);
    IntArray positions = IntArray.fromElements(length - 1, 0, length / 2, 0, 0);
    HalfFloatArray out = new HalfFloatArray(GRID_ROWS * heads * headSize);
    float scale = (float) (1 / Math.sqrt(headSize));
    Device.run(
        RowAttention.grid(GRID_ROWS, heads),
        Device.in(counts, sequences, positions, queries, keys, values, tables, out),
        g ->
            g.task(
                "kernel",
                RowAttention::attend,
                context,
                counts,
                sequences,
                positions,
                queries,
                keys,
                values,
                tables,
                out,
                heads,
                kvHeads,
                headSize,
                blockSize,
                tableWidth,
                window,
                scale,
                softCap),
        Device.out(out));
    for (int row = 0; row < ROWS; row++) {
      for (int head = 0; head < heads; head++) {
        int end = positions.get(row) + 1;
        float[][] ownKeys = new float[end][headSize];
        float[][] ownValues = new float[end][headSize];
        for (int p = 0; p < end; p++) {
          int block = tables.get(sequences.get(row) * tableWidth + p / blockSize);
          int kvHead = head / (heads / kvHeads);
          int at = ((block * kvHeads + kvHead) * blockSize + p % blockSize) * headSize;
          for (int i = 0; i < headSize; i++) {
            ownKeys[p][i] = keys.get(at + i).getFloat32();
            ownValues[p][i] = values.get(at + i).getFloat32();
          }
        }
        float[] query = new float[headSize];
        for (int i = 0; i < headSize; i++) {
          query[i] = queries.get((row * heads + head) * headSize + i).getFloat32();
        }
        int first = window > 0 ? Math.max(0, end - window) : 0;
        float[] expected =
            AttentionReference.attend(query, ownKeys, ownValues, first, scale, softCap);
        for (int i = 0; i < headSize; i++) {
          float found = out.get((row * heads + head) * headSize + i).getFloat32();
          assertThat(found).as("row %d, head %d", row, head).isCloseTo(expected[i], within(3e-3f));
        }
      }
    }
  }
}
