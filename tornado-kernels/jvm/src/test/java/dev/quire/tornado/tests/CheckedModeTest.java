package dev.quire.tornado.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static uk.ac.manchester.tornado.api.enums.MMAShape.M16N8K16;

import dev.quire.tornado.jvm.Checked;
import dev.quire.tornado.jvm.KernelFault;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;

class CheckedModeTest {
  private static final int SIZE = 128;
  private static final int GROUP = 64;

  private static void expect(
      TornadoFunctions.Task3<KernelContext, FloatArray, FloatArray> kernel, String... parts) {
    FloatArray in = new FloatArray(SIZE);
    FloatArray out = new FloatArray(SIZE);
    assertThatThrownBy(
            () ->
                Checked.run(
                    () ->
                        Tasks.run(
                            SIZE,
                            GROUP,
                            Tasks.arrays(in),
                            graph -> graph.task("t", kernel, new KernelContext(), in, out),
                            Tasks.arrays(out))))
        .isInstanceOf(KernelFault.class)
        .hasMessageContainingAll(parts);
  }

  static final class Kernels {
    private Kernels() {}

    static void localOutOfBounds(KernelContext context, FloatArray in, FloatArray out) {
      float[] tile = context.allocateFloatLocalArray(GROUP);
      tile[context.localIdx + (context.groupIdx == 1 && context.localIdx == 63 ? 1 : 0)] = 1;
      out.set(context.globalIdx, 0);
    }

    static void nativeOutOfBounds(KernelContext context, FloatArray in, FloatArray out) {
      out.set(context.globalIdx, in.get(context.globalIdx + 1));
    }

    static void belowTheHeader(KernelContext context, FloatArray in, FloatArray out) {
      out.set(context.globalIdx - 1, 0);
    }

    static void uninitialisedLocal(KernelContext context, FloatArray in, FloatArray out) {
      float[] tile = context.allocateFloatLocalArray(GROUP);
      if (context.localIdx != 5) {
        tile[context.localIdx] = 1;
      }
      context.localBarrier();
      out.set(context.globalIdx, tile[context.localIdx]);
    }

    static void uninitialisedInts(KernelContext context, FloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      out.set(context.globalIdx, tile[context.localIdx]);
    }

    static void uninitialisedNative(KernelContext context, FloatArray in, FloatArray out) {
      out.set(context.globalIdx, out.get(context.globalIdx) + 1);
    }

    static void localRace(KernelContext context, FloatArray in, FloatArray out) {
      float[] tile = context.allocateFloatLocalArray(GROUP);
      tile[context.localIdx] = in.get(context.globalIdx);
      out.set(context.globalIdx, tile[context.localIdx & ~1]);
    }

    static void localOutOfBoundsInts(KernelContext context, FloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      tile[context.localIdx - 1] = 1;
    }

    static void localRaceInts(KernelContext context, FloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      tile[context.localIdx / 2] = context.localIdx;
    }

    static void uninitialisedTile(KernelContext context, FloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(128);
      if (context.localIdx > 0) {
        tile[context.localIdx] = 0;
        tile[GROUP + context.localIdx] = 0;
      }
      context.localBarrier();
      HalfFloat[] a = context.mmaLoadA(tile, 16);
      float[] c = context.mma(a, context.mmaLoadB(tile, 16), context.mmaFragment(0), M16N8K16);
      context.mmaStore(c, out, 0, 0, 8);
    }

    static void localArrayInAHelper(KernelContext context, FloatArray in, FloatArray out) {
      float[] tile = context.allocateFloatLocalArray(GROUP);
      tile[context.localIdx] = in.get(context.globalIdx);
      context.localBarrier();
      out.set(context.globalIdx, first(tile));
    }

    private static float first(float[] values) {
      return values[0];
    }

    static void privateArrayInAHelper(KernelContext context, FloatArray in, FloatArray out) {
      float[] own = {1, 2};
      out.set(context.globalIdx, first(own));
    }

    static void localWriteAfterRead(KernelContext context, FloatArray in, FloatArray out) {
      float[] tile = context.allocateFloatLocalArray(GROUP);
      tile[context.localIdx] = 1;
      context.localBarrier();
      float neighbour = tile[(context.localIdx + 1) % GROUP];
      tile[context.localIdx] = neighbour;
    }

    static void nativeRace(KernelContext context, FloatArray in, FloatArray out) {
      out.set(context.groupIdx, context.localIdx);
    }

    static void returnsBeforeTheBarrier(KernelContext context, FloatArray in, FloatArray out) {
      if (context.localIdx > 60) {
        return;
      }
      context.localBarrier();
      out.set(context.globalIdx, 0);
    }

    @SuppressWarnings("DuplicateBranches")
    static void differentBarriers(KernelContext context, FloatArray in, FloatArray out) {
      if (context.localIdx < 32) {
        context.localBarrier();
      } else {
        context.localBarrier();
      }
      out.set(context.globalIdx, 0);
    }

    static void divergingShuffle(KernelContext context, FloatArray in, FloatArray out) {
      if (context.localIdx != 7) {
        out.set(context.globalIdx, context.simdSum(1));
      }
    }

    static void missingWait(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      context.asyncCopyToLocal(tile, context.localIdx, in, 2 * context.localIdx);
      context.asyncCopyCommit();
      context.localBarrier();
      out.set(context.globalIdx, tile[context.localIdx]);
    }

    static void waitWithoutBarrier(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      context.asyncCopyToLocal(tile, context.localIdx, in, 2 * context.localIdx);
      context.asyncCopyCommit();
      context.asyncCopyWaitGroup(0);
      out.set(context.globalIdx, tile[context.localIdx & ~1]);
    }

    static void right(KernelContext context, LongArray in, FloatArray out) {
      long[] tile = context.allocateLongLocalArray(GROUP);
      tile[context.localIdx] = in.get(context.globalIdx);
      context.localBarrier();
      in.set(context.globalIdx, tile[GROUP - 1 - context.localIdx]);
      context.localBarrier();
      out.set(context.globalIdx, context.simdSum((float) tile[context.localIdx]));
    }
  }

  @Test
  void outOfBoundsInALocalArray() {
    expect(
        Kernels::localOutOfBounds,
        "Kernels.localOutOfBounds",
        "group (1, 0, 0)",
        "thread (63, 0, 0)",
        "local array 0 (float[64]): index 64 is out of bounds");
  }

  @Test
  void outOfBoundsInANativeArray() {
    expect(
        Kernels::nativeOutOfBounds,
        "group (1, 0, 0), thread (63, 0, 0)",
        "FloatArray in: index 128 is out of bounds for 128 elements");
    expect(
        Kernels::localOutOfBoundsInts,
        "group (0, 0, 0), thread (0, 0, 0)",
        "local array 0 (int[64]): index -1 is out of bounds");
    expect(Kernels::belowTheHeader, "thread (0, 0, 0)", "FloatArray out: index -1");
  }

  @Test
  void readsOfUninitialisedMemory() {
    expect(
        Kernels::uninitialisedLocal, "thread (5, 0, 0)", "element 5 is read before anyone wrote");
    expect(Kernels::uninitialisedInts, "local array 0 (int[64])", "read before anyone wrote it");
    expect(Kernels::uninitialisedTile, "int[128]", "element 0 is read before anyone wrote it");
    expect(Kernels::uninitialisedNative, "FloatArray out: element", "neither sent to the device");
  }

  @Test
  void dataRaces() {
    expect(
        Kernels::localRace, "data race", "local array 0 (float[64])", "without a barrier between");
    expect(Kernels::localRaceInts, "data race", "local array 0 (int[64])", "element 0");
    expect(Kernels::localWriteAfterRead, "data race", "is written, read by thread #");
    expect(Kernels::nativeRace, "data race", "FloatArray out: element", "written by thread #0");
  }

  @Test
  void divergence() {
    expect(
        Kernels::returnsBeforeTheBarrier,
        "diverges at a barrier",
        "threads (61, 0, 0), (62, 0, 0), (63, 0, 0) returned");
    expect(Kernels::differentBarriers, "diverges at a barrier", "waits on line");
    expect(Kernels::divergingShuffle, "lanes of a warp diverge", "(7, 0, 0)");
  }

  @Test
  void localArraysPassedToHelpers() {
    expect(
        Kernels::localArrayInAHelper,
        "Kernels.localArrayInAHelper",
        "local array 0 (float[64]) is passed to first");
    FloatArray out = new FloatArray(SIZE);
    Checked.run(
        () ->
            Tasks.run(
                SIZE,
                GROUP,
                Tasks.arrays(out),
                graph ->
                    graph.task("t", Kernels::privateArrayInAHelper, new KernelContext(), out, out),
                Tasks.arrays(out)));
    assertThat(out.get(SIZE - 1)).isEqualTo(1);
  }

  private static void expectOfHalves(
      TornadoFunctions.Task3<KernelContext, HalfFloatArray, FloatArray> kernel, String part) {
    HalfFloatArray in = new HalfFloatArray(SIZE);
    FloatArray out = new FloatArray(GROUP);
    assertThatThrownBy(
            () ->
                Checked.run(
                    () ->
                        Tasks.run(
                            GROUP,
                            GROUP,
                            Tasks.arrays(in),
                            (TaskGraph graph) ->
                                graph.task("t", kernel, new KernelContext(), in, out),
                            Tasks.arrays(out))))
        .isInstanceOf(KernelFault.class)
        .hasMessageContaining(part);
  }

  @Test
  void asynchronousCopiesBeforeTheirWaitAndBarrier() {
    expectOfHalves(Kernels::missingWait, "asynchronous copy to it is under way");
    expectOfHalves(Kernels::waitWithoutBarrier, "data race");
  }

  @Test
  void aRightKernelPasses() {
    LongArray in = new LongArray(SIZE);
    FloatArray out = new FloatArray(SIZE);
    for (int i = 0; i < SIZE; i++) {
      in.set(i, i);
    }
    Checked.run(
        () ->
            Tasks.run(
                SIZE,
                GROUP,
                Tasks.arrays(in),
                graph -> graph.task("t", Kernels::right, new KernelContext(), in, out),
                Tasks.arrays(in, out)));
    assertThat(in.get(0)).isEqualTo(63);
    assertThat(out.get(40)).isEqualTo((32 + 63) * 16.0f);
  }
}
