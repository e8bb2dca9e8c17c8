package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Random matrices as the kernels have them, and what products with them must be. */
final class Matrices {
  private Matrices() {}

  /** Values as halves have them. */
  static float[] halves(float[] values) {
    return Device.floats(Device.halves(values));
  }

  /** Activations small enough that a gate's slope matters. */
  static float[] small(Random random, int elements) {
    float[] values = Device.normal(random, elements);
    for (int i = 0; i < elements; i++) {
      values[i] /= 8;
    }
    return values;
  }

  /** Gate above up, as the device has them. */
  static HalfFloatArray interleaved(float[] values, int inner, int inputs) {
    float[] rows = new float[values.length];
    for (int o = 0; o < 2 * inner; o++) {
      int from = WeightTiles.interleaved(o, inner);
      System.arraycopy(values, from * inputs, rows, o * inputs, inputs);
    }
    return WeightTiles.pack(rows, 2 * inner, inputs);
  }

  /** The row whose weights are those of an output: networks of so many are interleaved; 0: none. */
  static int row(int output, int network) {
    return network == 0
        ? output
        : output / network * network + WeightTiles.interleaved(output % network, network / 2);
  }

  static FloatArray sum(FloatArray parts, int splits) {
    FloatArray sum = new FloatArray(parts.getSize() / splits);
    for (int i = 0; i < sum.getSize(); i++) {
      float value = 0;
      for (int s = 0; s < splits; s++) {
        value += parts.get(s * sum.getSize() + i);
      }
      sum.set(i, value);
    }
    return sum;
  }

  static void checkGated(
      float[] weights,
      HalfFloatArray x,
      HalfFloatArray gated,
      int rows,
      int inner,
      int inputs,
      int activation) {
    float[] sums = MatrixVector.reference(weights, Device.floats(x), rows, 2 * inner, inputs);
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < inner; j++) {
        float gate = sums[r * 2 * inner + j];
        float up = sums[r * 2 * inner + inner + j];
        float expected = Activations.reference(activation, gate, up);
        assertThat(gated.get(r * inner + j).getFloat32())
            .as("row %d, element %d", r, j)
            .isCloseTo(expected, within(1e-3f + 1e-3f * Math.abs(expected)));
      }
    }
  }

  static void check(
      float[] weights, HalfFloatArray x, FloatArray out, int rows, int outputs, int inputs) {
    float[] expected = MatrixVector.reference(weights, Device.floats(x), rows, outputs, inputs);
    float[] actual = out.toHeapArray();
    float tolerance = 4e-4f * (float) Math.sqrt(inputs);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance));
    }
  }

  /** A matrix in Q8_0. */
  static final class Quantised {
    /** Row by row; gate above up, if the device has them interleaved. */
    final float[] values;

    final IntArray quants;
    final HalfFloatArray scales;

    private Quantised(float[] values, IntArray quants, HalfFloatArray scales) {
      this.values = values;
      this.quants = quants;
      this.scales = scales;
    }

    static Quantised random(int outputs, int inputs, boolean interleaved) {
      return random(outputs, inputs, interleaved ? outputs : 0);
    }

    /** Networks of so many outputs, gate and up of each interleaved; 0 where none is. */
    static Quantised random(int outputs, int inputs, int network) {
      byte[] blocks = Device.q8(new Random(outputs + inputs), outputs * inputs / 32);
      IntArray quants = new IntArray((int) QuantTiles.quants(outputs, inputs));
      HalfFloatArray scales = new HalfFloatArray((int) QuantTiles.scales(outputs, inputs));
      scales.init(new HalfFloat(0.0f));
      for (int o = 0; o < outputs; o++) {
        int row = row(o, network);
        for (int i = 0; i < inputs; i++) {
          int block = (row * inputs + i) / 32 * 34;
          int at = QuantTiles.quantAt(o, i, inputs);
          int quant = (blocks[block + 2 + i % 32] & 0xFF) << (8 * (at % 4));
          quants.set(at / 4, quants.get(at / 4) | quant);
          scales.set(
              QuantTiles.scaleAt(o, i, inputs),
              new HalfFloat((short) ((blocks[block] & 0xFF) | blocks[block + 1] << 8)));
        }
      }
      return new Quantised(decoded(blocks), quants, scales);
    }

    /** Blocks decoded one by one. */
    private static float[] decoded(byte[] blocks) {
      float[] values = new float[blocks.length / 34 * 32];
      for (int i = 0; i < values.length; i++) {
        int start = i / 32 * 34;
        short bits = (short) ((blocks[start] & 0xFF) | blocks[start + 1] << 8);
        values[i] = Float.float16ToFloat(bits) * blocks[start + 2 + i % 32];
      }
      return values;
    }

    /** The weights as tensor cores see them: rounded to halves. */
    float[] rounded() {
      float[] halves = Arrays.copyOf(values, values.length);
      for (int i = 0; i < halves.length; i++) {
        halves[i] = Float.float16ToFloat(Float.floatToFloat16(halves[i]));
      }
      return halves;
    }
  }
}
