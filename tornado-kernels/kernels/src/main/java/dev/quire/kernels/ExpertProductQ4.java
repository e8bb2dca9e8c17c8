package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Rows of activations times the matrices of the experts that they chose, of four bits a weight;
 * groups as those of {@link ExpertProduct}.
 *
 * <pre>
 *   a block of 8 outputs, as NibbleTiles has it    lane 4q+p: inputs 4q to 4q+3 of outputs 2p, 2p+1
 *     128 inputs │ 4 strips of 128 bytes │         a scale and a least for 32 inputs
 *     128 inputs │         …
 * </pre>
 */
public final class ExpertProductQ4 {
  private ExpertProductQ4() {}

  private static final int WARP = ExpertProduct.WARP;
  private static final int WARPS = ExpertProduct.GROUP / WARP;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * As {@link ExpertProduct#multiply}, with {@link ExpertProduct#grid}.
   *
   * @param nibbles all experts' as {@link NibbleTiles} has them
   * @param steps likewise
   * @param inputs a multiple of 32
   */
  public static void multiply(
      KernelContext context,
      IntArray counts,
      IntArray chosen,
      IntArray nibbles,
      HalfFloatArray steps,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int outputs,
      int inputs,
      int perRow,
      int activation) {
    int pair = context.groupIdy;
    if (pair >= counts.get(0)) {
      return;
    }
    float[] sums = context.allocateFloatLocalArray(2 * WARPS * BLOCK);
    int blocks = activation == Activations.NONE ? 1 : 2;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int units = outputs / (blocks * BLOCK);
    int unit = TornadoMath.min(context.groupIdx * WARPS + warp, units - 1);
    int block = (chosen.get(pair) * units + unit) * blocks;
    int row = pair / perRow * inputs;
    int padded = (inputs + 127) / 128 * 128;
    for (int part = 0; part < blocks; part++) {
      int from = NibbleTiles.START + (block + part) * padded + lane;
      int step = (block + part) * (padded / 2) + lane % 4 * 4;
      float a = 0.0f;
      float b = 0.0f;
      for (int depth = 0; depth < padded; depth += 128) {
        for (int k = 0; k < 128; k += 32) {
          int input = depth + k + lane / 4 * 4;
          int at = row + (inputs % 128 == 0 ? input : TornadoMath.min(input, inputs - 4));
          int eight = nibbles.get(from + depth + k);
          Half2 even = steps.getHalf2(step + (depth + k) / 2);
          Half2 odd = steps.getHalf2(step + (depth + k) / 2 + 2);
          Half2 low = x.getHalf2(at);
          Half2 high = x.getHalf2(at + 2);
          a += MatrixVectorQ4.weighted(eight, even, low, high);
          b += MatrixVectorQ4.weighted(eight >> 16, odd, low, high);
        }
      }
      a += context.simdShuffleDown(a, 16);
      b += context.simdShuffleDown(b, 16);
      a += context.simdShuffleDown(a, 8);
      b += context.simdShuffleDown(b, 8);
      a += context.simdShuffleDown(a, 4);
      b += context.simdShuffleDown(b, 4);
      if (lane < 4) {
        int at = (warp * 2 + part) * BLOCK + 2 * lane;
        sums[at] = a;
        sums[at + 1] = b;
      }
    }
    context.localBarrier();
    int mine = context.groupIdx * WARPS + thread / BLOCK;
    if (thread < WARPS * BLOCK && mine < units) {
      int at = thread / BLOCK * (2 * BLOCK) + thread % BLOCK;
      int to = (pair * units + mine) * BLOCK + thread % BLOCK;
      if (activation == Activations.NONE) {
        out.set(to, sums[at]);
      } else {
        gated.set(to, new HalfFloat(Activations.apply(activation, sums[at], sums[at + BLOCK])));
      }
    }
  }
}
