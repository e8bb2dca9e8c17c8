package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;

/** What the 32 lanes of a warp make of a value that each has, by shuffles. */
final class Warps {
  private Warps() {}

  /** The sum over each eight lanes, in the first of them. */
  static float sumOfEight(KernelContext context, float value) {
    float sum = value;
    sum += context.simdShuffleDown(sum, 4);
    sum += context.simdShuffleDown(sum, 2);
    sum += context.simdShuffleDown(sum, 1);
    return sum;
  }

  /** The largest of all lanes', in every lane. */
  static float maximum(KernelContext context, float value) {
    float maximum = value;
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 16));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 8));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 4));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 2));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 1));
    return context.simdBroadcastFirst(maximum);
  }
}
