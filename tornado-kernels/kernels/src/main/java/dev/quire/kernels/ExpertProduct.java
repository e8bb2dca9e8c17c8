package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Rows of activations times the matrices of the experts that they chose, in halves.
 *
 * <pre>
 *   all experts' matrices, one above the other, as WeightTiles has them; a pair is a row and a choice
 *     block of 8 outputs of the pair's expert    a warp, all inputs; or, where gate and up are
 *                                                interleaved, one of the gate and one of up
 *       64 inputs │ 8 loads of 128 bytes │       lane 4k+j: outputs 2j, 2j+1 of input k
 *       64 inputs │         …
 * </pre>
 *
 * Sums are always added in the same order.
 */
public final class ExpertProduct {
  private ExpertProduct() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * {@code out[p, o] = sum over i of weights[chosen[p], o, i] * x[p / perRow, i]} for each pair p,
   * summed in floats; with an activation {@code gated[p, j] = activation(gate[j] · x) * (up[j] ·
   * x)} instead. What an activation gave is kept in floats for the product after it: no tensor core
   * takes it, and the next layer's router tells experts apart that lie close together.
   *
   * @param counts element 0: pairs that are there
   * @param chosen [pairs]: experts
   * @param weights [experts · outputs, inputs] as {@link WeightTiles} has them; each expert's gate
   *     and up interleaved as {@link WeightTiles#interleaved} says, if there is an activation
   * @param x [pairs / perRow, inputs], if there is an activation
   * @param out [pairs, outputs], if there is none
   * @param gated [pairs, outputs / 2], where outputs are those of both, if there is an activation;
   *     else read as x [pairs / perRow, inputs]
   * @param outputs of an expert, a multiple of 8
   * @param perRow pairs that share a row of x
   * @param activation one of {@link Activations}
   */
  public static void multiply(
      KernelContext context,
      IntArray counts,
      IntArray chosen,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      FloatArray gated,
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
    for (int part = 0; part < blocks; part++) {
      int from = WeightTiles.START + (block + part) * BLOCK * padded + 2 * lane;
      float a = 0.0f;
      float b = 0.0f;
      for (int depth = 0; depth < padded; depth += 64) {
        for (int k = 0; k < 64; k += 8) {
          int input = depth + k + lane / 4;
          int at = inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 1);
          Half2 both = weights.getHalf2(from + (depth + k) * BLOCK);
          float value;
          if (activation == Activations.NONE) {
            value = gated.get(row + at);
          } else {
            value = x.get(row + at).getFloat32();
          }
          a += Half2.lowFloat(both) * value;
          b += Half2.highFloat(both) * value;
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
        gated.set(to, Activations.apply(activation, sums[at], sums[at + BLOCK]));
      }
    }
  }

  /**
   * Groups for all outputs of an expert. The reference is MatrixVector's.
   *
   * @param pairs the most
   * @param outputs those of gate and up together, if there is an activation
   */
  public static WorkerGrid grid(int pairs, int outputs, int activation) {
    int units = outputs / (activation == Activations.NONE ? BLOCK : 2 * BLOCK);
    WorkerGrid grid = new WorkerGrid2D(Math.ceilDiv(units, WARPS) * GROUP, pairs);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
