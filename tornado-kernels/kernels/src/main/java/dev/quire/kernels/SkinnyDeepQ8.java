package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * 2 to 16 rows of activations times a weight matrix of Q8_0, on tensor cores, for inputs that split
 * into whole pairs of panels.
 *
 * <pre>
 *                      64 outputs
 *               ┌ w0 ┬ w1 ┬ w2 ┬ … ┬ w7 ┐   a warp: 16 rows × 8 outputs, whose weights it alone
 *    16 rows    │16×8│16×8│    │   │    │   makes halves of; panels are 128 deep
 *               └────┴────┴────┴───┴────┘
 *   panel p      products of A and B in local memory; then
 *   panel p + 1  its weights, out of registers, become halves in the other B
 *   panel p + 2  its activations are on their way to the third A, its weights to registers
 *   panel p + 3  its weights set out to the registers that have just become free
 * </pre>
 *
 * Two panels a turn, so that either has registers of its own and none are moved.
 */
public final class SkinnyDeepQ8 {
  private SkinnyDeepQ8() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = 256;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = SkinnyQuads.TILE_ROWS;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = SkinnyQuads.TILE_OUTPUTS;

  /** Inputs that a split must have a multiple of: two panels. */
  public static final int TURN = 256;

  private static final int DEPTH = 128;
  private static final int A_INTS = TILE_ROWS * DEPTH / 2;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  /**
   * As {@link SkinnyQuads#multiplyQuads}, with weights of Q8_0.
   *
   * @param quants as {@link QuantTiles} has them
   * @param scales as {@link QuantTiles} has them
   * @param inputs a multiple of {@value #TURN} for each split
   */
  public static void multiplyQuads(
      KernelContext context,
      IntArray counts,
      IntArray quants,
      HalfFloatArray scales,
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
    int qFrom = QuantTiles.START + block * 2 * inputs + lane;
    int sFrom = block * (inputs / 4) + lane % 2 * 4;
    int bTo = warp * 512 + 2 * lane;
    for (int j = 0; j < 4; j++) {
      context.asyncCopyToLocal(a, 0 * A_INTS + aTo + j, x, aFrom + start + 2 * j);
    }
    context.asyncCopyCommit();
    for (int j = 0; j < 4; j++) {
      context.asyncCopyToLocal(a, 1 * A_INTS + aTo + j, x, aFrom + start + DEPTH + 2 * j);
    }
    context.asyncCopyCommit();
    int n0 = quants.get(qFrom + 2 * start);
    int n1 = quants.get(qFrom + 2 * start + 32);
    int n2 = quants.get(qFrom + 2 * start + 64);
    int n3 = quants.get(qFrom + 2 * start + 96);
    int n4 = quants.get(qFrom + 2 * start + 128);
    int n5 = quants.get(qFrom + 2 * start + 160);
    int n6 = quants.get(qFrom + 2 * start + 192);
    int n7 = quants.get(qFrom + 2 * start + 224);
    Half2 nd0 = scales.getHalf2(sFrom + start / 4);
    Half2 ne0 = scales.getHalf2(sFrom + start / 4 + 2);
    Half2 nd1 = scales.getHalf2(sFrom + start / 4 + 8);
    Half2 ne1 = scales.getHalf2(sFrom + start / 4 + 10);
    Half2 nd2 = scales.getHalf2(sFrom + start / 4 + 16);
    Half2 ne2 = scales.getHalf2(sFrom + start / 4 + 18);
    Half2 nd3 = scales.getHalf2(sFrom + start / 4 + 24);
    Half2 ne3 = scales.getHalf2(sFrom + start / 4 + 26);
    b[bTo] = QuantTiles.pair(n0 << 24 >> 24, n0 << 16 >> 24, nd0);
    b[bTo + 1] = QuantTiles.pair(n0 << 8 >> 24, n0 >> 24, ne0);
    b[bTo + 64] = QuantTiles.pair(n1 << 24 >> 24, n1 << 16 >> 24, nd0);
    b[bTo + 65] = QuantTiles.pair(n1 << 8 >> 24, n1 >> 24, ne0);
    b[bTo + 128] = QuantTiles.pair(n2 << 24 >> 24, n2 << 16 >> 24, nd1);
    b[bTo + 129] = QuantTiles.pair(n2 << 8 >> 24, n2 >> 24, ne1);
    b[bTo + 192] = QuantTiles.pair(n3 << 24 >> 24, n3 << 16 >> 24, nd1);
    b[bTo + 193] = QuantTiles.pair(n3 << 8 >> 24, n3 >> 24, ne1);
    b[bTo + 256] = QuantTiles.pair(n4 << 24 >> 24, n4 << 16 >> 24, nd2);
    b[bTo + 257] = QuantTiles.pair(n4 << 8 >> 24, n4 >> 24, ne2);
    b[bTo + 320] = QuantTiles.pair(n5 << 24 >> 24, n5 << 16 >> 24, nd2);
    b[bTo + 321] = QuantTiles.pair(n5 << 8 >> 24, n5 >> 24, ne2);
    b[bTo + 384] = QuantTiles.pair(n6 << 24 >> 24, n6 << 16 >> 24, nd3);
    b[bTo + 385] = QuantTiles.pair(n6 << 8 >> 24, n6 >> 24, ne3);
    b[bTo + 448] = QuantTiles.pair(n7 << 24 >> 24, n7 << 16 >> 24, nd3);
    b[bTo + 449] = QuantTiles.pair(n7 << 8 >> 24, n7 >> 24, ne3);
    int second = start + DEPTH;
    n0 = quants.get(qFrom + 2 * second);
    n1 = quants.get(qFrom + 2 * second + 32);
    n2 = quants.get(qFrom + 2 * second + 64);
    n3 = quants.get(qFrom + 2 * second + 96);
    n4 = quants.get(qFrom + 2 * second + 128);
    n5 = quants.get(qFrom + 2 * second + 160);
    n6 = quants.get(qFrom + 2 * second + 192);
    n7 = quants.get(qFrom + 2 * second + 224);
    nd0 = scales.getHalf2(sFrom + second / 4);
    ne0 = scales.getHalf2(sFrom + second / 4 + 2);
    nd1 = scales.getHalf2(sFrom + second / 4 + 8);
    ne1 = scales.getHalf2(sFrom + second / 4 + 10);
    nd2 = scales.getHalf2(sFrom + second / 4 + 16);
    ne2 = scales.getHalf2(sFrom + second / 4 + 18);
    nd3 = scales.getHalf2(sFrom + second / 4 + 24);
    ne3 = scales.getHalf2(sFrom + second / 4 + 26);
    int third = TornadoMath.min(start + 2 * DEPTH, end);
    int r0 = quants.get(qFrom + 2 * third);
    int r1 = quants.get(qFrom + 2 * third + 32);
    int r2 = quants.get(qFrom + 2 * third + 64);
    int r3 = quants.get(qFrom + 2 * third + 96);
    int r4 = quants.get(qFrom + 2 * third + 128);
    int r5 = quants.get(qFrom + 2 * third + 160);
    int r6 = quants.get(qFrom + 2 * third + 192);
    int r7 = quants.get(qFrom + 2 * third + 224);
    Half2 rd0 = scales.getHalf2(sFrom + third / 4);
    Half2 re0 = scales.getHalf2(sFrom + third / 4 + 2);
    Half2 rd1 = scales.getHalf2(sFrom + third / 4 + 8);
    Half2 re1 = scales.getHalf2(sFrom + third / 4 + 10);
    Half2 rd2 = scales.getHalf2(sFrom + third / 4 + 16);
    Half2 re2 = scales.getHalf2(sFrom + third / 4 + 18);
    Half2 rd3 = scales.getHalf2(sFrom + third / 4 + 24);
    Half2 re3 = scales.getHalf2(sFrom + third / 4 + 26);
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
      b[bTo + 4096] = QuantTiles.pair(n0 << 24 >> 24, n0 << 16 >> 24, nd0);
      b[bTo + 4097] = QuantTiles.pair(n0 << 8 >> 24, n0 >> 24, ne0);
      b[bTo + 4160] = QuantTiles.pair(n1 << 24 >> 24, n1 << 16 >> 24, nd0);
      b[bTo + 4161] = QuantTiles.pair(n1 << 8 >> 24, n1 >> 24, ne0);
      b[bTo + 4224] = QuantTiles.pair(n2 << 24 >> 24, n2 << 16 >> 24, nd1);
      b[bTo + 4225] = QuantTiles.pair(n2 << 8 >> 24, n2 >> 24, ne1);
      b[bTo + 4288] = QuantTiles.pair(n3 << 24 >> 24, n3 << 16 >> 24, nd1);
      b[bTo + 4289] = QuantTiles.pair(n3 << 8 >> 24, n3 >> 24, ne1);
      b[bTo + 4352] = QuantTiles.pair(n4 << 24 >> 24, n4 << 16 >> 24, nd2);
      b[bTo + 4353] = QuantTiles.pair(n4 << 8 >> 24, n4 >> 24, ne2);
      b[bTo + 4416] = QuantTiles.pair(n5 << 24 >> 24, n5 << 16 >> 24, nd2);
      b[bTo + 4417] = QuantTiles.pair(n5 << 8 >> 24, n5 >> 24, ne2);
      b[bTo + 4480] = QuantTiles.pair(n6 << 24 >> 24, n6 << 16 >> 24, nd3);
      b[bTo + 4481] = QuantTiles.pair(n6 << 8 >> 24, n6 >> 24, ne3);
      b[bTo + 4544] = QuantTiles.pair(n7 << 24 >> 24, n7 << 16 >> 24, nd3);
      b[bTo + 4545] = QuantTiles.pair(n7 << 8 >> 24, n7 >> 24, ne3);
      int later = TornadoMath.min(depth + 3 * DEPTH, end);
      n0 = quants.get(qFrom + 2 * later);
      n1 = quants.get(qFrom + 2 * later + 32);
      n2 = quants.get(qFrom + 2 * later + 64);
      n3 = quants.get(qFrom + 2 * later + 96);
      n4 = quants.get(qFrom + 2 * later + 128);
      n5 = quants.get(qFrom + 2 * later + 160);
      n6 = quants.get(qFrom + 2 * later + 192);
      n7 = quants.get(qFrom + 2 * later + 224);
      nd0 = scales.getHalf2(sFrom + later / 4);
      ne0 = scales.getHalf2(sFrom + later / 4 + 2);
      nd1 = scales.getHalf2(sFrom + later / 4 + 8);
      ne1 = scales.getHalf2(sFrom + later / 4 + 10);
      nd2 = scales.getHalf2(sFrom + later / 4 + 16);
      ne2 = scales.getHalf2(sFrom + later / 4 + 18);
      nd3 = scales.getHalf2(sFrom + later / 4 + 24);
      ne3 = scales.getHalf2(sFrom + later / 4 + 26);
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
      b[bTo] = QuantTiles.pair(r0 << 24 >> 24, r0 << 16 >> 24, rd0);
      b[bTo + 1] = QuantTiles.pair(r0 << 8 >> 24, r0 >> 24, re0);
      b[bTo + 64] = QuantTiles.pair(r1 << 24 >> 24, r1 << 16 >> 24, rd0);
      b[bTo + 65] = QuantTiles.pair(r1 << 8 >> 24, r1 >> 24, re0);
      b[bTo + 128] = QuantTiles.pair(r2 << 24 >> 24, r2 << 16 >> 24, rd1);
      b[bTo + 129] = QuantTiles.pair(r2 << 8 >> 24, r2 >> 24, re1);
      b[bTo + 192] = QuantTiles.pair(r3 << 24 >> 24, r3 << 16 >> 24, rd1);
      b[bTo + 193] = QuantTiles.pair(r3 << 8 >> 24, r3 >> 24, re1);
      b[bTo + 256] = QuantTiles.pair(r4 << 24 >> 24, r4 << 16 >> 24, rd2);
      b[bTo + 257] = QuantTiles.pair(r4 << 8 >> 24, r4 >> 24, re2);
      b[bTo + 320] = QuantTiles.pair(r5 << 24 >> 24, r5 << 16 >> 24, rd2);
      b[bTo + 321] = QuantTiles.pair(r5 << 8 >> 24, r5 >> 24, re2);
      b[bTo + 384] = QuantTiles.pair(r6 << 24 >> 24, r6 << 16 >> 24, rd3);
      b[bTo + 385] = QuantTiles.pair(r6 << 8 >> 24, r6 >> 24, re3);
      b[bTo + 448] = QuantTiles.pair(r7 << 24 >> 24, r7 << 16 >> 24, rd3);
      b[bTo + 449] = QuantTiles.pair(r7 << 8 >> 24, r7 >> 24, re3);
      int last = TornadoMath.min(depth + 4 * DEPTH, end);
      r0 = quants.get(qFrom + 2 * last);
      r1 = quants.get(qFrom + 2 * last + 32);
      r2 = quants.get(qFrom + 2 * last + 64);
      r3 = quants.get(qFrom + 2 * last + 96);
      r4 = quants.get(qFrom + 2 * last + 128);
      r5 = quants.get(qFrom + 2 * last + 160);
      r6 = quants.get(qFrom + 2 * last + 192);
      r7 = quants.get(qFrom + 2 * last + 224);
      rd0 = scales.getHalf2(sFrom + last / 4);
      re0 = scales.getHalf2(sFrom + last / 4 + 2);
      rd1 = scales.getHalf2(sFrom + last / 4 + 8);
      re1 = scales.getHalf2(sFrom + last / 4 + 10);
      rd2 = scales.getHalf2(sFrom + last / 4 + 16);
      re2 = scales.getHalf2(sFrom + last / 4 + 18);
      rd3 = scales.getHalf2(sFrom + last / 4 + 24);
      re3 = scales.getHalf2(sFrom + last / 4 + 26);
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

  /** Whether so many inputs can be cut into so many splits, each of several turns. */
  public static boolean takes(int inputs, int splits) {
    return inputs % (TURN * splits) == 0 && inputs > TURN * splits;
  }

  /** Groups for at most {@code rows} rows, all outputs and splits. */
  public static WorkerGrid grid(int rows, int outputs, int splits) {
    WorkerGrid grid =
        new WorkerGrid3D(
            (outputs + TILE_OUTPUTS - 1) / TILE_OUTPUTS * GROUP,
            (rows + TILE_ROWS - 1) / TILE_ROWS,
            splits);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
