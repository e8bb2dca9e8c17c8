package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class ElementwiseTest {
  @ParameterizedTest
  @ValueSource(ints = {2, 64, 514, 1024})
  void embeddingsAreGathered(int width) {
    int rows = 3;
    float[] values = Device.floats(Device.halves(Device.normal(new Random(width), 7 * width)));
    HalfFloatArray table = WeightTiles.pack(values, 7, width);
    IntArray tokens = IntArray.fromElements(6, 0, 3, 99);
    IntArray counts = IntArray.fromElements(rows);
    FloatArray residual = new FloatArray(rows * width);
    Device.run(
        Embedding.grid(4),
        Device.in(counts, tokens, table),
        g ->
            g.task(
                "kernel",
                Embedding::gather,
                new KernelContext(),
                counts,
                tokens,
                table,
                residual,
                width),
        Device.out(residual));
    for (int r = 0; r < rows; r++) {
      assertThat(Arrays.copyOfRange(residual.toHeapArray(), r * width, (r + 1) * width))
          .isEqualTo(Embedding.reference(values, tokens.get(r), width));
    }
  }

  @Test
  void q8RowsAreGathered() {
    int width = 96;
    Matrices.Quantised table = Matrices.Quantised.random(16, width, false);
    IntArray tokens = IntArray.fromElements(4, 1);
    IntArray counts = IntArray.fromElements(2);
    FloatArray residual = new FloatArray(2 * width);
    Device.run(
        Embedding.grid(2),
        Device.in(counts, tokens, table.quants, table.scales),
        g ->
            g.task(
                "kernel",
                Embedding::gatherQ8,
                new KernelContext(),
                counts,
                tokens,
                table.quants,
                table.scales,
                residual,
                width),
        Device.out(residual));
    assertThat(Arrays.copyOf(residual.toHeapArray(), width))
        .isEqualTo(Embedding.reference(table.values, 4, width));
    assertThat(Arrays.copyOfRange(residual.toHeapArray(), width, 2 * width))
        .isEqualTo(Embedding.reference(table.values, 1, width));
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 300", "2, 1024"})
  void gatesAreMultiplied(int rows, int hidden) {
    float[] gateUp = Device.normal(new Random(hidden), rows * 2 * hidden);
    gateUp[0] = -90;
    FloatArray in = FloatArray.fromArray(gateUp);
    IntArray counts = IntArray.fromElements(rows);
    HalfFloatArray out = new HalfFloatArray(rows * hidden);
    Device.run(
        SiluMultiply.grid(rows + 1, hidden),
        Device.in(counts, in),
        g -> g.task("kernel", SiluMultiply::apply, new KernelContext(), counts, in, out, hidden),
        Device.out(out));
    for (int i = 0; i < rows * hidden; i++) {
      int r = i / hidden;
      float expected =
          SiluMultiply.reference(
              gateUp[2 * r * hidden + i % hidden], gateUp[(2 * r + 1) * hidden + i % hidden]);
      assertThat(out.get(i).getFloat32())
          .isCloseTo(expected, within(1e-3f * Math.max(1, Math.abs(expected))));
    }
  }

  @Test
  void geluByTheErrorFunction() {
    int hidden = 400;
    float[] gateUp = Device.normal(new Random(3), 2 * hidden);
    gateUp[0] = -90;
    gateUp[1] = 90;
    gateUp[2] = 0;
    for (int i = 3; i < 200; i++) {
      gateUp[i] *= 3;
    }
    FloatArray in = FloatArray.fromArray(gateUp);
    IntArray counts = IntArray.fromElements(1);
    HalfFloatArray out = new HalfFloatArray(hidden);
    Device.run(
        GeluMultiply.grid(1, hidden),
        Device.in(counts, in),
        g ->
            g.task(
                "kernel", GeluMultiply::applyExact, new KernelContext(), counts, in, out, hidden),
        Device.out(out));
    for (int i = 0; i < hidden; i++) {
      float expected = GeluMultiply.exactReference(gateUp[i], gateUp[hidden + i]);
      assertThat(out.get(i).getFloat32())
          .isCloseTo(expected, within(1e-3f * Math.abs(expected) + 1e-5f));
      assertThat(Activations.apply(Activations.EXACT_GELU, gateUp[i], gateUp[hidden + i]))
          .isCloseTo(expected, within(1e-5f * Math.max(1, Math.abs(expected))));
    }
  }

  @Test
  void blocksAreCopiedGatheredAndScattered() {
    int size = 130;
    HalfFloatArray keys = Device.halves(Device.normal(new Random(1), 9 * size));
    HalfFloatArray values = Device.halves(Device.normal(new Random(2), 9 * size));
    float[] expected = Device.floats(keys);
    float[] expectedValues = Device.floats(values);
    int[] copies = {0, 5, 3, 8, 0, 7};
    BlockCopy.reference(expected, copies, size);
    BlockCopy.reference(expectedValues, copies, size);
    IntArray pairs = IntArray.fromArray(copies);
    IntArray counts = IntArray.fromElements(3);
    Device.run(
        BlockCopy.grid(5),
        Device.in(counts, pairs, keys, values),
        g ->
            g.task(
                "kernel", BlockCopy::copy, new KernelContext(), counts, pairs, keys, values, size),
        Device.out(keys, values));
    assertThat(Device.floats(keys)).isEqualTo(expected);
    assertThat(Device.floats(values)).isEqualTo(expectedValues);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 64, 16, 64, 1, 1, 0",
    "4, 2, 64, 8, 64, 32, 1, 1",
    "6, 1, 128, 16, 128, 64, 1.2, 0",
    "2, 2, 2, 3, 2, 1, 1, 1",
    "2, 1, 24, 16, 16, 8, 1.5, 1",
    "2, 1, 24, 16, 16, 1, 1, 0",
    "2, 1, 16, 4, 0, 1, 1, 0",
    "3, 1, 256, 4, 128, 64, 1, 1"
  })
  void keysAndValuesReachTheirSlots(
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int rotary,
      int apart,
      float magnitude,
      int norm) {
    int rows = 3;
    int width = (heads + 2 * kvHeads) * headSize;
    float[] qkv = Device.normal(new Random(width), rows * width);
    int[] positions = {0, 17, 4095};
    int[] slots = {blockSize, -1, 3 * blockSize - 1};
    float[] frequencies = new float[rotary / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) Math.pow(10000, -2.0 * i / rotary);
    }
    FloatArray in = FloatArray.fromArray(qkv);
    // The row in the middle is of a stretched sequence, which has frequencies of its own.
    float[] stretched = new float[rotary / 2];
    float[] both = Arrays.copyOf(frequencies, Math.max(1, rotary));
    for (int i = 0; i < stretched.length; i++) {
      stretched[i] = frequencies[i] / 3;
      both[stretched.length + i] = stretched[i];
    }
    IntArray at =
        IntArray.fromElements(positions[0], positions[1] + RotaryCache.STRETCHED, positions[2]);
    IntArray to = IntArray.fromArray(slots);
    FloatArray turns = FloatArray.fromArray(both);
    FloatArray queryNorm = FloatArray.fromArray(Device.normal(new Random(3), headSize));
    FloatArray keyNorm = FloatArray.fromArray(Device.normal(new Random(4), headSize));
    IntArray counts = IntArray.fromElements(rows);
    HalfFloatArray queries = new HalfFloatArray(rows * heads * headSize);
    HalfFloatArray keys = new HalfFloatArray(4 * blockSize * kvHeads * headSize);
    HalfFloatArray values = new HalfFloatArray(keys.getSize());
    Device.run(
        RotaryCache.grid(rows + 1, heads, kvHeads),
        Device.in(counts, in, at, to, turns, queryNorm, keyNorm, keys, values),
        g ->
            g.task(
                "kernel",
                RotaryCache::rotateAndStore,
                new KernelContext(),
                counts,
                in,
                at,
                to,
                turns,
                queryNorm,
                keyNorm,
                queries,
                keys,
                values,
                heads,
                kvHeads,
                headSize,
                blockSize,
                rotary,
                apart,
                magnitude,
                norm,
                1e-5f),
        Device.out(queries, keys, values));
    for (int r = 0; r < rows; r++) {
      for (int h = 0; h < heads + kvHeads; h++) {
        int from = r * width + h * headSize;
        float[] head = Arrays.copyOfRange(qkv, from, from + headSize);
        if (norm > 0) {
          FloatArray weight = h < heads ? queryNorm : keyNorm;
          head = HeadNorm.reference(head, weight.toHeapArray(), 1e-5f);
        }
        float[] rotated =
            RotaryCache.reference(
                head, positions[r], r == 1 ? stretched : frequencies, apart, magnitude);
        if (h < heads) {
          assertClose(queries, (r * heads + h) * headSize, rotated);
        } else if (slots[r] >= 0) {
          int kvHead = h - heads;
          int row = (slots[r] / blockSize * kvHeads + kvHead) * blockSize + slots[r] % blockSize;
          assertClose(keys, row * headSize, rotated);
          int value = r * width + (heads + kvHeads + kvHead) * headSize;
          assertClose(values, row * headSize, Arrays.copyOfRange(qkv, value, value + headSize));
        }
      }
    }
    assertThat(keys.get(0).getFloat32()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 64, 2", "32, 64, 64, 3", "1, 0, 8, 5"})
  void rowsInPartsAreRotatedAsTheirSums(int apart, int rotary, int headSize, int splits) {
    int heads = 3;
    int kvHeads = 2;
    int rows = 3;
    int partRows = 16;
    int blockSize = 4;
    int width = (heads + 2 * kvHeads) * headSize;
    FloatArray parts =
        FloatArray.fromArray(Device.normal(new Random(5), splits * partRows * width));
    FloatArray sums = new FloatArray(rows * width);
    for (int r = 0; r < rows; r++) {
      float[] row = PartSums.reference(parts.toHeapArray(), r, width, splits, partRows);
      for (int i = 0; i < width; i++) {
        sums.set(r * width + i, row[i]);
      }
    }
    IntArray counts = IntArray.fromElements(rows);
    IntArray at = IntArray.fromElements(7, 0, 130);
    IntArray to = IntArray.fromElements(5, -1, 9);
    FloatArray turns = FloatArray.fromArray(Device.normal(new Random(6), rotary + 1));
    HalfFloatArray[] inParts = new HalfFloatArray[3];
    HalfFloatArray[] whole = new HalfFloatArray[3];
    for (HalfFloatArray[] arrays : List.of(inParts, whole)) {
      arrays[0] = new HalfFloatArray(rows * heads * headSize);
      arrays[1] = new HalfFloatArray(4 * blockSize * kvHeads * headSize);
      arrays[2] = new HalfFloatArray(arrays[1].getSize());
    }
    Device.run(
        RotaryCache.grid(rows + 1, heads, kvHeads),
        Device.in(counts, parts, at, to, turns, inParts[1], inParts[2]),
        g ->
            g.task(
                "kernel",
                RotaryCache::rotateParts,
                new KernelContext(),
                counts,
                parts,
                at,
                to,
                turns,
                inParts[0],
                inParts[1],
                inParts[2],
                heads,
                kvHeads,
                headSize,
                blockSize,
                rotary,
                apart,
                1.5f,
                splits,
                partRows),
        Device.out((Object[]) inParts));
    Device.run(
        RotaryCache.grid(rows + 1, heads, kvHeads),
        Device.in(counts, sums, at, to, turns, whole[1], whole[2]),
        g ->
            g.task(
                "kernel",
                RotaryCache::rotateAndStore,
                new KernelContext(),
                counts,
                sums,
                at,
                to,
                turns,
                turns,
                turns,
                whole[0],
                whole[1],
                whole[2],
                heads,
                kvHeads,
                headSize,
                blockSize,
                rotary,
                apart,
                1.5f,
                0,
                1e-5f),
        Device.out((Object[]) whole));
    for (int i = 0; i < whole.length; i++) {
      assertThat(inParts[i].toShortArray()).isEqualTo(whole[i].toShortArray());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 130, 1000})
  void aSharedExpertIsAddedAsMuchAsItsGateSays(int width) {
    int rows = 3;
    float[] x = Device.normal(new Random(1), rows * width);
    float[] gate = Device.normal(new Random(2), width);
    float[] shared = Device.normal(new Random(3), rows * width);
    HalfFloatArray in = Device.halves(x);
    FloatArray weights = FloatArray.fromArray(gate);
    FloatArray results = FloatArray.fromArray(shared);
    FloatArray out = FloatArray.fromArray(Device.normal(new Random(4), rows * width));
    float[] before = out.toHeapArray();
    IntArray counts = IntArray.fromElements(rows);
    Device.run(
        Experts.combineGrid(rows + 1),
        Device.in(counts, in, weights, results, out),
        g ->
            g.task(
                "kernel",
                Experts::addShared,
                new KernelContext(),
                counts,
                in,
                weights,
                results,
                out,
                width),
        Device.out(out));
    float[] rounded = Device.floats(in);
    for (int r = 0; r < rows; r++) {
      float[] added =
          Experts.sharedReference(
              Arrays.copyOfRange(rounded, r * width, (r + 1) * width),
              gate,
              Arrays.copyOfRange(shared, r * width, (r + 1) * width));
      for (int i = 0; i < width; i++) {
        assertThat(out.get(r * width + i))
            .isCloseTo(before[r * width + i] + added[i], within(1e-4f));
      }
    }
  }

  private static void assertClose(HalfFloatArray actual, int offset, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual.get(offset + i).getFloat32())
          .isCloseTo(expected[i], within(2e-3f * Math.max(1, Math.abs(expected[i]))));
    }
  }
}
