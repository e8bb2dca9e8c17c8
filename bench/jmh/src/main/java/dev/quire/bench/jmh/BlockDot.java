package dev.quire.bench.jmh;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * How ggml multiplies Q8_0 on a CPU, with the Vector API: weights as they lie in the file, a block
 * of 32 bytes times the block of the input, one row after the other; the partial sums of a block
 * are scaled, and added up over the row.
 */
final class BlockDot {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(SHORTS.vectorBitSize() / 2));
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int inputs;
  private final byte[] levels;
  private final float[] scales;

  /** Quantises rows of inputs: 127 levels for the greatest of 32. */
  BlockDot(float[] x, int inputs) {
    this.inputs = inputs;
    this.levels = new byte[x.length];
    this.scales = new float[x.length / BLOCK];
    for (int b = 0; b < scales.length; b++) {
      float greatest = 0;
      for (int i = b * BLOCK; i < (b + 1) * BLOCK; i++) {
        greatest = Math.max(greatest, Math.abs(x[i]));
      }
      scales[b] = greatest / 127;
      for (int i = b * BLOCK; i < (b + 1) * BLOCK; i++) {
        levels[i] = (byte) Math.round(x[i] / scales[b]);
      }
    }
  }

  void multiply(MemorySegment weights, int outputs, int row, float[] out) {
    long at = 0;
    for (int o = 0; o < outputs; o++, at += (long) inputs / BLOCK * BLOCK_BYTES) {
      out[row * outputs + o] = dot(weights, at, row * inputs);
    }
  }

  private float dot(MemorySegment weights, long row, int input) {
    FloatVector total = FloatVector.zero(FLOATS);
    long block = row;
    for (int k = input; k < input + inputs; k += BLOCK, block += BLOCK_BYTES) {
      IntVector sums = IntVector.zero(IntVector.SPECIES_PREFERRED);
      for (int i = 0; i < BLOCK; i += SHORTS.length()) {
        ShortVector w =
            shorts(
                ByteVector.fromMemorySegment(
                    BYTES, weights, block + 2 + i, ByteOrder.LITTLE_ENDIAN));
        ShortVector x = shorts(ByteVector.fromArray(BYTES, levels, k + i));
        IntVector products = w.mul(x).reinterpretAsInts();
        sums =
            sums.add(products.lanewise(VectorOperators.ASHR, 16))
                .add(
                    products.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      }
      float scale = Float.float16ToFloat(weights.get(HALF, block)) * scales[k / BLOCK];
      FloatVector blockSums = (FloatVector) sums.convertShape(VectorOperators.I2F, FLOATS, 0);
      total = blockSums.fma(FloatVector.broadcast(FLOATS, scale), total);
    }
    return total.reduceLanes(VectorOperators.ADD);
  }

  private static ShortVector shorts(ByteVector bytes) {
    return (ShortVector) bytes.convertShape(VectorOperators.B2S, SHORTS, 0);
  }

  /** Loads all there is. */
  static int read(MemorySegment data) {
    VectorSpecies<Integer> ints = IntVector.SPECIES_PREFERRED;
    int step = ints.vectorByteSize();
    IntVector a = IntVector.zero(ints);
    IntVector b = a;
    for (long at = 0; at + 2L * step <= data.byteSize(); at += 2L * step) {
      a = a.add(IntVector.fromMemorySegment(ints, data, at, ByteOrder.LITTLE_ENDIAN));
      b = b.add(IntVector.fromMemorySegment(ints, data, at + step, ByteOrder.LITTLE_ENDIAN));
    }
    return a.add(b).reduceLanes(VectorOperators.ADD);
  }
}
