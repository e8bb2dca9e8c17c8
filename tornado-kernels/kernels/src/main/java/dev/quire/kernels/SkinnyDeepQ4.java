package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * 2 to 16 rows of activations times a weight matrix of four bits a weight, on tensor cores, for
 * inputs that split into whole pairs of panels.
 *
 * <p>As {@link SkinnyDeepQ8}, whose launch shape it has: panels are 128 deep, two of them a turn,
 * and each warp makes halves of the weights of its own eight outputs, a panel ahead.
 */
public final class SkinnyDeepQ4 {
  private SkinnyDeepQ4() {}

  private static final int GROUP = SkinnyDeepQ8.GROUP;
  private static final int TILE_ROWS = SkinnyDeepQ8.TILE_ROWS;
  private static final int TILE_OUTPUTS = SkinnyDeepQ8.TILE_OUTPUTS;
  private static final int DEPTH = 128;
  private static final int A_INTS = TILE_ROWS * DEPTH / 2;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  /**
   * As {@link SkinnyQuads#multiplyQuads}, with weights of four bits a weight.
   *
   * @param nibbles as {@link NibbleTiles} has them
   * @param steps as {@link NibbleTiles} has them
   * @param inputs a multiple of {@value SkinnyDeepQ8#TURN} for each split
   */
  public static void multiplyQuads(
      KernelContext context,
      IntArray counts,
      IntArray nibbles,
      HalfFloatArray steps,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int outputs,
      int inputs,
      int splits,
      int partRows,
      int activation) {
    int rows = counts.get(0);
    int firstRow = context.groupIdy * TILE_ROWS;
    if (firstRow >= rows) {
      return;
    }
    int[] a = context.allocateIntLocalArray(3 * A_INTS);
    int[] b = context.allocateIntLocalArray(2 * B_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int count = inputs / DEPTH / splits;
    int start = context.groupIdz * count * DEPTH;
    int end = start + (count - 1) * DEPTH;
    int aFrom = (firstRow + thread / 16) * inputs + thread % 16 * 8;
    int aTo = thread / 16 * 64 + (thread % 16 ^ thread / 16 % 8) * 4;
    int block = context.groupIdx * (TILE_OUTPUTS / 8) + warp;
    int qFrom = NibbleTiles.START + block * inputs + lane;
    int sFrom = block * (inputs / 2) + lane % 4 * 4;
    int bTo = warp * 512 + lane / 4 * 16 + lane % 4;
    int t0 = lane / 8 * 4;
    int t1 = (t0 + 4) % 16;
    int t2 = (t0 + 8) % 16;
    int t3 = (t0 + 12) % 16;
    for (int j = 0; j < 4; j++) {
      context.asyncCopyToLocal(a, 0 * A_INTS + aTo + j, x, aFrom + start + 2 * j);
    }
    context.asyncCopyCommit();
    for (int j = 0; j < 4; j++) {
      context.asyncCopyToLocal(a, 1 * A_INTS + aTo + j, x, aFrom + start + DEPTH + 2 * j);
    }
    context.asyncCopyCommit();
    int n0 = nibbles.get(qFrom + start);
    int n1 = nibbles.get(qFrom + start + 32);
    int n2 = nibbles.get(qFrom + start + 64);
    int n3 = nibbles.get(qFrom + start + 96);
    Half2 nd0 = steps.getHalf2(sFrom + start / 2);
    Half2 ne0 = steps.getHalf2(sFrom + start / 2 + 2);
    Half2 nd1 = steps.getHalf2(sFrom + start / 2 + 16);
    Half2 ne1 = steps.getHalf2(sFrom + start / 2 + 18);
    Half2 nd2 = steps.getHalf2(sFrom + start / 2 + 32);
    Half2 ne2 = steps.getHalf2(sFrom + start / 2 + 34);
    Half2 nd3 = steps.getHalf2(sFrom + start / 2 + 48);
    Half2 ne3 = steps.getHalf2(sFrom + start / 2 + 50);
    b[bTo + t0] = NibbleTiles.pair(n0 >> t0, nd0, ne0);
    b[bTo + t1] = NibbleTiles.pair(n0 >> t1, nd0, ne0);
    b[bTo + t2] = NibbleTiles.pair(n0 >> t2, nd0, ne0);
    b[bTo + t3] = NibbleTiles.pair(n0 >> t3, nd0, ne0);
    b[bTo + 128 + t0] = NibbleTiles.pair(n1 >> t0, nd1, ne1);
    b[bTo + 128 + t1] = NibbleTiles.pair(n1 >> t1, nd1, ne1);
    b[bTo + 128 + t2] = NibbleTiles.pair(n1 >> t2, nd1, ne1);
    b[bTo + 128 + t3] = NibbleTiles.pair(n1 >> t3, nd1, ne1);
    b[bTo + 256 + t0] = NibbleTiles.pair(n2 >> t0, nd2, ne2);
    b[bTo + 256 + t1] = NibbleTiles.pair(n2 >> t1, nd2, ne2);
    b[bTo + 256 + t2] = NibbleTiles.pair(n2 >> t2, nd2, ne2);
    b[bTo + 256 + t3] = NibbleTiles.pair(n2 >> t3, nd2, ne2);
    b[bTo + 384 + t0] = NibbleTiles.pair(n3 >> t0, nd3, ne3);
    b[bTo + 384 + t1] = NibbleTiles.pair(n3 >> t1, nd3, ne3);
    b[bTo + 384 + t2] = NibbleTiles.pair(n3 >> t2, nd3, ne3);
    b[bTo + 384 + t3] = NibbleTiles.pair(n3 >> t3, nd3, ne3);
    int second = start + DEPTH;
    n0 = nibbles.get(qFrom + second);
    n1 = nibbles.get(qFrom + second + 32);
    n2 = nibbles.get(qFrom + second + 64);
    n3 = nibbles.get(qFrom + second + 96);
    nd0 = steps.getHalf2(sFrom + second / 2);
    ne0 = steps.getHalf2(sFrom + second / 2 + 2);
    nd1 = steps.getHalf2(sFrom + second / 2 + 16);
    ne1 = steps.getHalf2(sFrom + second / 2 + 18);
    nd2 = steps.getHalf2(sFrom + second / 2 + 32);
    ne2 = steps.getHalf2(sFrom + second / 2 + 34);
    nd3 = steps.getHalf2(sFrom + second / 2 + 48);
    ne3 = steps.getHalf2(sFrom + second / 2 + 50);
    int third = TornadoMath.min(start + 2 * DEPTH, end);
    int r0 = nibbles.get(qFrom + third);
    int r1 = nibbles.get(qFrom + third + 32);
    int r2 = nibbles.get(qFrom + third + 64);
    int r3 = nibbles.get(qFrom + third + 96);
    Half2 rd0 = steps.getHalf2(sFrom + third / 2);
    Half2 re0 = steps.getHalf2(sFrom + third / 2 + 2);
    Half2 rd1 = steps.getHalf2(sFrom + third / 2 + 16);
    Half2 re1 = steps.getHalf2(sFrom + third / 2 + 18);
    Half2 rd2 = steps.getHalf2(sFrom + third / 2 + 32);
    Half2 re2 = steps.getHalf2(sFrom + third / 2 + 34);
    Half2 rd3 = steps.getHalf2(sFrom + third / 2 + 48);
    Half2 re3 = steps.getHalf2(sFrom + third / 2 + 50);
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane % 8;
    int aBase = row16 * 256 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp * 2048;
    float[] c = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p += 2) {
      int depth = start + p * DEPTH;
      context.asyncCopyWaitGroup(1);
      context.localBarrier();
      int next = TornadoMath.min(depth + 2 * DEPTH, end);
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, (p + 2) % 3 * A_INTS + aTo + j, x, aFrom + next + 2 * j);
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 8; step++) {
        HalfFloat[] a0 =
            context.mmaLoadA(a, 16, p % 3 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bBase + step * 256);
        c = context.mma(a0, b0, c, MMAShape.M16N8K16);
      }
      b[bTo + 4096 + t0] = NibbleTiles.pair(n0 >> t0, nd0, ne0);
      b[bTo + 4096 + t1] = NibbleTiles.pair(n0 >> t1, nd0, ne0);
      b[bTo + 4096 + t2] = NibbleTiles.pair(n0 >> t2, nd0, ne0);
      b[bTo + 4096 + t3] = NibbleTiles.pair(n0 >> t3, nd0, ne0);
      b[bTo + 4224 + t0] = NibbleTiles.pair(n1 >> t0, nd1, ne1);
      b[bTo + 4224 + t1] = NibbleTiles.pair(n1 >> t1, nd1, ne1);
      b[bTo + 4224 + t2] = NibbleTiles.pair(n1 >> t2, nd1, ne1);
      b[bTo + 4224 + t3] = NibbleTiles.pair(n1 >> t3, nd1, ne1);
      b[bTo + 4352 + t0] = NibbleTiles.pair(n2 >> t0, nd2, ne2);
      b[bTo + 4352 + t1] = NibbleTiles.pair(n2 >> t1, nd2, ne2);
      b[bTo + 4352 + t2] = NibbleTiles.pair(n2 >> t2, nd2, ne2);
      b[bTo + 4352 + t3] = NibbleTiles.pair(n2 >> t3, nd2, ne2);
      b[bTo + 4480 + t0] = NibbleTiles.pair(n3 >> t0, nd3, ne3);
      b[bTo + 4480 + t1] = NibbleTiles.pair(n3 >> t1, nd3, ne3);
      b[bTo + 4480 + t2] = NibbleTiles.pair(n3 >> t2, nd3, ne3);
      b[bTo + 4480 + t3] = NibbleTiles.pair(n3 >> t3, nd3, ne3);
      int later = TornadoMath.min(depth + 3 * DEPTH, end);
      n0 = nibbles.get(qFrom + later);
      n1 = nibbles.get(qFrom + later + 32);
      n2 = nibbles.get(qFrom + later + 64);
      n3 = nibbles.get(qFrom + later + 96);
      nd0 = steps.getHalf2(sFrom + later / 2);
      ne0 = steps.getHalf2(sFrom + later / 2 + 2);
      nd1 = steps.getHalf2(sFrom + later / 2 + 16);
      ne1 = steps.getHalf2(sFrom + later / 2 + 18);
      nd2 = steps.getHalf2(sFrom + later / 2 + 32);
      ne2 = steps.getHalf2(sFrom + later / 2 + 34);
      nd3 = steps.getHalf2(sFrom + later / 2 + 48);
      ne3 = steps.getHalf2(sFrom + later / 2 + 50);
      context.asyncCopyWaitGroup(1);
      context.localBarrier();
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, p % 3 * A_INTS + aTo + j, x, aFrom + later + 2 * j);
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 8; step++) {
        HalfFloat[] a0 =
            context.mmaLoadA(a, 16, (p + 1) % 3 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, 4 * B_INTS + bBase + step * 256);
        c = context.mma(a0, b0, c, MMAShape.M16N8K16);
      }
      b[bTo + t0] = NibbleTiles.pair(r0 >> t0, rd0, re0);
      b[bTo + t1] = NibbleTiles.pair(r0 >> t1, rd0, re0);
      b[bTo + t2] = NibbleTiles.pair(r0 >> t2, rd0, re0);
      b[bTo + t3] = NibbleTiles.pair(r0 >> t3, rd0, re0);
      b[bTo + 128 + t0] = NibbleTiles.pair(r1 >> t0, rd1, re1);
      b[bTo + 128 + t1] = NibbleTiles.pair(r1 >> t1, rd1, re1);
      b[bTo + 128 + t2] = NibbleTiles.pair(r1 >> t2, rd1, re1);
      b[bTo + 128 + t3] = NibbleTiles.pair(r1 >> t3, rd1, re1);
      b[bTo + 256 + t0] = NibbleTiles.pair(r2 >> t0, rd2, re2);
      b[bTo + 256 + t1] = NibbleTiles.pair(r2 >> t1, rd2, re2);
      b[bTo + 256 + t2] = NibbleTiles.pair(r2 >> t2, rd2, re2);
      b[bTo + 256 + t3] = NibbleTiles.pair(r2 >> t3, rd2, re2);
      b[bTo + 384 + t0] = NibbleTiles.pair(r3 >> t0, rd3, re3);
      b[bTo + 384 + t1] = NibbleTiles.pair(r3 >> t1, rd3, re3);
      b[bTo + 384 + t2] = NibbleTiles.pair(r3 >> t2, rd3, re3);
      b[bTo + 384 + t3] = NibbleTiles.pair(r3 >> t3, rd3, re3);
      int last = TornadoMath.min(depth + 4 * DEPTH, end);
      r0 = nibbles.get(qFrom + last);
      r1 = nibbles.get(qFrom + last + 32);
      r2 = nibbles.get(qFrom + last + 64);
      r3 = nibbles.get(qFrom + last + 96);
      rd0 = steps.getHalf2(sFrom + last / 2);
      re0 = steps.getHalf2(sFrom + last / 2 + 2);
      rd1 = steps.getHalf2(sFrom + last / 2 + 16);
      re1 = steps.getHalf2(sFrom + last / 2 + 18);
      rd2 = steps.getHalf2(sFrom + last / 2 + 32);
      re2 = steps.getHalf2(sFrom + last / 2 + 34);
      rd3 = steps.getHalf2(sFrom + last / 2 + 48);
      re3 = steps.getHalf2(sFrom + last / 2 + 50);
    }
    context.asyncCopyWaitGroup(0);
    int column = context.groupIdx * TILE_OUTPUTS + warp * 8;
    if (column < outputs) {
      context.mmaStore(c, out, context.groupIdz * partRows + firstRow, column, outputs);
    }
    if (activation != Activations.NONE) {
      context.localBarrier();
      GatedSums.activate(
          out,
          gated,
          activation,
          firstRow,
          rows,
          TILE_ROWS,
          context.groupIdx * TILE_OUTPUTS,
          TILE_OUTPUTS,
          outputs,
          thread,
          GROUP);
    }
  }
}
