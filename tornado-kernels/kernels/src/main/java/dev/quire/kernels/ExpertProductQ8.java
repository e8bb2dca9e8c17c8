package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Rows of activations times the matrices of the experts that they chose, in Q8_0; groups as those
 * of {@link ExpertProduct}.
 *
 * <pre>
 *   a block of 8 outputs, as QuantTiles has it     8 lanes have 32 inputs, which share a scale;
 *     128 inputs │ 8 loads of 4 × 32 bytes │       lane 2k+j: outputs 4j to 4j+3 of inputs
 *     128 inputs │         …                       k, k+4, k+8, … k+28
 * </pre>
 */
public final class ExpertProductQ8 {
  private ExpertProductQ8() {}

  private static final int WARP = ExpertProduct.WARP;
  private static final int WARPS = ExpertProduct.GROUP / WARP;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * As {@link ExpertProduct#multiply}, with {@link ExpertProduct#grid}.
   *
   * @param quants all experts' as {@link QuantTiles} has them
   * @param scales likewise
   * @param inputs a multiple of 32
   */
  public static void multiply(
      KernelContext context,
      IntArray counts,
      IntArray chosen,
      IntArray quants,
      HalfFloatArray scales,
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
    int padded = (inputs + 63) / 64 * 64;
    int groups = inputs / 32;
    for (int part = 0; part < blocks; part++) {
      int from = QuantTiles.START + (block + part) * 2 * padded + lane % 8;
      int scale = (block + part) * (padded / 4) + lane % 2 * 4;
      float a = 0.0f;
      float b = 0.0f;
      float c = 0.0f;
      float d = 0.0f;
      for (int first = 0; first < groups; first += 4) {
        int wanted = first + lane / 8;
        int group = groups % 4 == 0 ? wanted : TornadoMath.min(wanted, groups - 1);
        float live =
            groups % 4 == 0 ? 1.0f : TornadoMath.min(1, TornadoMath.max(0, groups - wanted));
        int input = row + group * 32 + lane % 8 / 2;
        float aa = 0.0f;
        float bb = 0.0f;
        float cc = 0.0f;
        float dd = 0.0f;
        for (int k = 0; k < 8; k++) {
          int four = quants.get(from + group * 64 + 8 * k);
          float value = x.get(input + 4 * k).getFloat32();
          aa += (four << 24 >> 24) * value;
          bb += (four << 16 >> 24) * value;
          cc += (four << 8 >> 24) * value;
          dd += (four >> 24) * value;
        }
        Half2 low = scales.getHalf2(scale + group * 8);
        Half2 high = scales.getHalf2(scale + group * 8 + 2);
        a += live * Half2.lowFloat(low) * aa;
        b += live * Half2.highFloat(low) * bb;
        c += live * Half2.lowFloat(high) * cc;
        d += live * Half2.highFloat(high) * dd;
      }
      a += context.simdShuffleDown(a, 16);
      b += context.simdShuffleDown(b, 16);
      c += context.simdShuffleDown(c, 16);
      d += context.simdShuffleDown(d, 16);
      a += context.simdShuffleDown(a, 8);
      b += context.simdShuffleDown(b, 8);
      c += context.simdShuffleDown(c, 8);
      d += context.simdShuffleDown(d, 8);
      a += context.simdShuffleDown(a, 4);
      b += context.simdShuffleDown(b, 4);
      c += context.simdShuffleDown(c, 4);
      d += context.simdShuffleDown(d, 4);
      a += context.simdShuffleDown(a, 2);
      b += context.simdShuffleDown(b, 2);
      c += context.simdShuffleDown(c, 2);
      d += context.simdShuffleDown(d, 2);
      if (lane < 2) {
        int at = (warp * 2 + part) * BLOCK + 4 * lane;
        sums[at] = a;
        sums[at + 1] = b;
        sums[at + 2] = c;
        sums[at + 3] = d;
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
