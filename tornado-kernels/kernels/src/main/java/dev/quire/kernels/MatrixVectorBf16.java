package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * One row of activations times a weight matrix in BF16, laid out as {@link WeightTiles} has halves;
 * its tile is {@link MatrixVector}'s.
 *
 * <pre>
 *   an int             │ output 2j + 1 │ output 2j │
 *   16 bits            │ sign, exponent: 9 │ mantissa: 7 │
 *   value              scales[256 + sign, exponent] · (128 + mantissa)
 * </pre>
 *
 * TornadoVM can't take an int's bits for a float's; so the scales come from a table of 512. Sign
 * and exponent are a signed number from -256 to 255: TornadoVM writes unsigned shifts as signed
 * ones, also those that its compiler makes of a shift and a mask.
 */
public final class MatrixVectorBf16 {
  private MatrixVectorBf16() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = MatrixVector.GROUP;

  /** The first int of the weights, at 128 bytes as {@link WeightTiles#START} is. */
  public static final int START = WeightTiles.START / 2;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * What a mantissa between 128 and 255 is multiplied by, for each sign and exponent: negative
   * numbers' first.
   */
  public static float[] scales() {
    float[] scales = new float[512];
    for (int exponent = 1; exponent < 256; exponent++) {
      // Numbers below 1e-38, of exponent 0, are taken as 0.
      float size = Float.intBitsToFloat(exponent << 23) / 128;
      scales[exponent] = -size;
      scales[256 + exponent] = size;
    }
    return scales;
  }

  /**
   * As {@link MatrixVector#multiply}.
   *
   * @param weights pairs of BF16, in the places of {@link WeightTiles}' halves
   * @param scales as {@link #scales()} has them
   */
  public static void multiply(
      KernelContext context,
      IntArray weights,
      FloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      int inputs) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int from = START + context.groupIdx * (BLOCK / 2) * padded + lane;
    float a = 0.0f;
    float b = 0.0f;
    for (int depth = warp * 8; depth < padded; depth += WARPS * 8) {
      int input = depth + lane / 4;
      if (input < inputs) {
        int pair = weights.get(from + depth * (BLOCK / 2));
        float value = x.get(input).getFloat32();
        a += value(pair << 16, scales) * value;
        b += value(pair, scales) * value;
      }
    }
    a += context.simdShuffleDown(a, 16);
    b += context.simdShuffleDown(b, 16);
    a += context.simdShuffleDown(a, 8);
    b += context.simdShuffleDown(b, 8);
    a += context.simdShuffleDown(a, 4);
    b += context.simdShuffleDown(b, 4);
    if (lane < 4) {
      parts[warp * BLOCK + 2 * lane] = a;
      parts[warp * BLOCK + 2 * lane + 1] = b;
    }
    context.localBarrier();
    if (thread < BLOCK) {
      float sum = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        sum += parts[w * BLOCK + thread];
      }
      out.set(context.groupIdx * BLOCK + thread, sum);
    }
  }

  /** The number whose bits are the upper sixteen of these. */
  static float value(int bits, FloatArray scales) {
    return scales.get(256 + (bits >> 23)) * (128 + ((bits >> 16) & 127));
  }

  /** Groups for all outputs. The reference is MatrixVector's. */
  public static WorkerGrid grid(int outputs) {
    return MatrixVector.grid(outputs);
  }
}
