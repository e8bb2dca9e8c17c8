package dev.quire.bench.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Arrays of random elements. Not zeros: a GPU computes with those at a higher clock. What is long
 * repeats its first part, whose length no row has.
 */
final class RandomArrays {
  private static final int PERIOD = 1_000_003;

  private RandomArrays() {}

  static HalfFloatArray halves(int elements, long seed, float deviation) {
    HalfFloatArray array = new HalfFloatArray(elements);
    Random random = new Random(seed);
    for (int i = 0; i < Math.min(elements, PERIOD); i++) {
      array.set(i, new HalfFloat((float) random.nextGaussian() * deviation));
    }
    return repeated(array);
  }

  static FloatArray floats(int elements, long seed, float deviation) {
    FloatArray array = new FloatArray(elements);
    Random random = new Random(seed);
    for (int i = 0; i < Math.min(elements, PERIOD); i++) {
      array.set(i, (float) random.nextGaussian() * deviation);
    }
    return repeated(array);
  }

  static IntArray ints(int elements, long seed) {
    IntArray array = new IntArray(elements);
    Random random = new Random(seed);
    for (int i = 0; i < Math.min(elements, PERIOD); i++) {
      array.set(i, random.nextInt());
    }
    return repeated(array);
  }

  private static <T extends TornadoNativeArray> T repeated(T array) {
    MemorySegment all = array.getSegment();
    long period = (long) PERIOD * array.getElementSize();
    for (long at = period; at < array.getNumBytesOfSegment(); at += period) {
      long bytes = Math.min(period, array.getNumBytesOfSegment() - at);
      MemorySegment.copy(all, 0, all, at, bytes);
    }
    return array;
  }
}
