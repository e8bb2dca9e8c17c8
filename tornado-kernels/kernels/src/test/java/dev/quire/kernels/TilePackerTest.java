package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class TilePackerTest {
  private static final int BLOCKS = 5;

  /** Blocks 2 and 3 of five are staged; the others stay what they were. */
  @ParameterizedTest
  @CsvSource({
    "64, false",
    "8, false",
    "72, false",
    "130, false",
    "64, true",
    "73, true",
    "9, true"
  })
  void stagedBlocksArePacked(int inputs, boolean brain) {
    int first = 2;
    int count = 2;
    int outputs = 8 * BLOCKS;
    float[] rows = Device.normal(new Random(inputs), 8 * count * inputs);
    rows[3] = 0;
    rows[5] = -1e-6f; // Below the least normal half.
    HalfFloatArray weights =
        new HalfFloatArray(Math.toIntExact(WeightTiles.elements(outputs, inputs)));
    weights.init(new HalfFloat(77.0f));
    IntArray part = IntArray.fromElements(first, count);
    WorkerGrid grid = TilePacker.grid(count + 1, inputs);
    if (brain) {
      IntArray staged = brains(rows);
      FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
      Device.run(
          grid,
          Device.in(part, staged, scales, weights),
          g ->
              g.task(
                  "kernel",
                  TilePacker::brains,
                  new KernelContext(),
                  part,
                  staged,
                  scales,
                  weights,
                  inputs),
          Device.out(weights));
    } else {
      HalfFloatArray staged = Device.halves(rows);
      Device.run(
          grid,
          Device.in(part, staged, weights),
          g ->
              g.task(
                  "kernel", TilePacker::halves, new KernelContext(), part, staged, weights, inputs),
          Device.out(weights));
    }
    int padded = WeightTiles.paddedInputs(inputs);
    for (int block = 0; block < BLOCKS; block++) {
      boolean mine = block >= first && block < first + count;
      for (int i = 0; i < padded; i++) {
        for (int o = 0; o < 8; o++) {
          float expected = mine ? 0 : 77;
          if (mine && i < inputs) {
            float value = rows[((block - first) * 8 + o) * inputs + i];
            expected = half(brain ? truncated(value) : value);
          }
          float actual = weights.get(WeightTiles.at(8 * block + o, i, inputs)).getFloat32();
          assertThat(actual + 0.0f).as("block %d, input %d, %d", block, i, o).isEqualTo(expected);
        }
      }
    }
  }

  /** The nearest half, without its sign where it is zero. */
  private static float half(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value)) + 0.0f;
  }

  private static float truncated(float value) {
    return Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xFFFF0000);
  }

  private static IntArray brains(float[] values) {
    IntArray pairs = new IntArray((values.length + 1) / 2);
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(values[i]) >>> 16;
      pairs.set(i / 2, pairs.get(i / 2) | bits << (i % 2 * 16));
    }
    return pairs;
  }
}
