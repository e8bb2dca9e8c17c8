package dev.quire.kernels;

import java.util.Random;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * A matrix of four bits a weight.
 *
 * @param values row by row; gate above up, if the device has them interleaved
 */
@SuppressWarnings("ArrayRecordComponent") // test data, never compared
record NibbleMatrix(float[] values, IntArray nibbles, HalfFloatArray steps) {
  /** The values as halves. */
  float[] rounded() {
    float[] rounded = new float[values.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
    }
    return rounded;
  }

  static NibbleMatrix random(int outputs, int inputs, boolean interleaved) {
    return random(outputs, inputs, interleaved ? outputs : 0);
  }

  /** Networks of so many outputs, gate and up of each interleaved; 0 where none is. */
  static NibbleMatrix random(int outputs, int inputs, int network) {
    Random random = new Random(outputs + inputs);
    IntArray nibbles = new IntArray((int) NibbleTiles.nibbles(outputs, inputs));
    HalfFloatArray steps = new HalfFloatArray((int) NibbleTiles.steps(outputs, inputs));
    steps.init(new HalfFloat(0.0f));
    float[] values = new float[outputs * inputs];
    for (int o = 0; o < outputs; o++) {
      int row = Matrices.row(o, network);
      for (int i = 0; i < inputs; i++) {
        int step = NibbleTiles.stepAt(o, i, inputs);
        if (i % NibbleTiles.GROUP_INPUTS == 0) {
          steps.set(step, new HalfFloat(random.nextFloat() / 30));
          steps.set(step + 1, new HalfFloat(random.nextFloat() / 4));
        }
        int nibble = random.nextInt(16);
        int at = NibbleTiles.intAt(o, i, inputs);
        nibbles.set(at, nibbles.get(at) | nibble << NibbleTiles.shift(o, i));
        values[row * inputs + i] =
            steps.get(step).getFloat32() * nibble - steps.get(step + 1).getFloat32();
      }
    }
    return new NibbleMatrix(values, nibbles, steps);
  }
}
