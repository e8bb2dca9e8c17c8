package dev.quire.tornado.tests;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static uk.ac.manchester.tornado.api.enums.MMAShape.M16N8K16;

import dev.quire.tornado.jvm.Checked;
import dev.quire.tornado.jvm.KernelFault;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/** Faults of what is no plain access: copies, fragments, pairs, atomic additions, odd barriers. */
class CheckedOperationsTest {
  private static final int GROUP = 32;

  private static void expect(
      TornadoFunctions.Task3<KernelContext, HalfFloatArray, FloatArray> kernel, String... parts) {
    HalfFloatArray in = new HalfFloatArray(2 * GROUP);
    in.init(new HalfFloat(2));
    FloatArray out = new FloatArray(128);
    assertThatThrownBy(
            () ->
                Checked.run(
                    () ->
                        Tasks.run(
                            GROUP,
                            GROUP,
                            Tasks.arrays(in),
                            graph -> graph.task("t", kernel, new KernelContext(), in, out),
                            Tasks.arrays(out))))
        .isInstanceOf(KernelFault.class)
        .hasMessageContainingAll(parts)
        .hasMessageContainingAll("kernel CheckedOperationsTest$Kernels.", "group (0, 0, 0)");
  }

  static final class Kernels {
    private Kernels() {}

    private static void arrive(KernelContext context) {
      context.asyncCopyCommit();
      context.asyncCopyWaitGroup(0);
    }

    static void copyPastTheTile(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      context.asyncCopyToLocal(tile, context.localIdx + 1, in, 2 * context.localIdx);
      arrive(context);
    }

    static void copyPastTheSource(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      context.asyncCopyToLocal(tile, context.localIdx, in, 2 * context.localIdx + 2);
      arrive(context);
    }

    static void copyToAPrivateArray(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] own = new int[GROUP];
      context.asyncCopyToLocal(own, context.localIdx, in, 2 * context.localIdx);
      arrive(context);
    }

    static void sourceWrittenUnderWay(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      context.asyncCopyToLocal(tile, context.localIdx, in, 2 * context.localIdx);
      context.asyncCopyCommit();
      context.localBarrier();
      in.set(2 * context.localIdx, new HalfFloat(1));
      context.asyncCopyWaitGroup(0);
    }

    static void addedToUnderWay(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(GROUP);
      context.asyncCopyToLocal(tile, context.localIdx, in, 2 * context.localIdx);
      context.atomicAdd(tile, context.localIdx, 1);
      arrive(context);
    }

    static void oddPair(KernelContext context, HalfFloatArray in, FloatArray out) {
      Half2 pair = in.getHalf2(context.localIdx);
      out.set(context.localIdx, pair.getX().getFloat32());
    }

    static void oddPairWritten(KernelContext context, HalfFloatArray in, FloatArray out) {
      in.setHalf2(2 * context.localIdx + 1, in.getHalf2(2 * context.localIdx));
    }

    static void addedToUnset(KernelContext context, HalfFloatArray in, FloatArray out) {
      context.atomicAdd(out, 3, 1f);
    }

    static void fragmentPastTheTile(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(128);
      for (int i = context.localIdx; i < 128; i += GROUP) {
        tile[i] = 0;
      }
      context.localBarrier();
      HalfFloat[] a = context.mmaLoadA(tile, 16, 16);
      float[] c = context.mma(a, context.mmaLoadB(tile, 16), context.mmaFragment(0), M16N8K16);
      context.mmaStore(c, out, 0, 0, 8);
    }

    static void fragmentOfAPrivateArray(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] own = new int[128];
      HalfFloat[] a = context.mmaLoadA(own, 16);
      float[] c = context.mma(a, context.mmaLoadB(own, 16), context.mmaFragment(0), M16N8K16);
      context.mmaStore(c, out, 0, 0, 8);
    }

    static void resultPastTheArray(KernelContext context, HalfFloatArray in, FloatArray out) {
      context.mmaStore(context.mmaFragment(0), out, 1, 0, 8);
    }

    static void resultsOfOneColumn(KernelContext context, HalfFloatArray in, FloatArray out) {
      context.mmaStore(context.mmaFragment(0), out, 0, 0, 4);
    }

    static void laneWithoutAFragment(KernelContext context, HalfFloatArray in, FloatArray out) {
      if (context.localIdx != 9) {
        context.mmaStore(context.mmaFragment(0), out, 0, 0, 8);
      }
    }

    /** Everyone comes to three barriers, but in the second turn to another of the same line. */
    static void barriersOfOneLine(KernelContext context, HalfFloatArray in, FloatArray out) {
      int inner = context.localIdx < 7 ? 1 : 0;
      int outer = 3 - inner;
      for (int i = 0; i < outer; i++) {
        for (context.localBarrier(); inner > 0; context.localBarrier()) {
          inner--;
        }
      }
    }
  }

  @Test
  void copiesNameWhatTheyMiss() {
    expect(Kernels::copyPastTheTile, "thread (31, 0, 0)", "local array 0 (int[32]): index 32");
    expect(Kernels::copyPastTheSource, "thread (31, 0, 0)", "HalfFloatArray in: index 64");
    expect(Kernels::copyToAPrivateArray, "an asynchronous copy goes to a private array (int[32])");
    expect(Kernels::sourceWrittenUnderWay, "HalfFloatArray in: element 0 was written while");
    expect(Kernels::addedToUnderWay, "element 0 is touched while an asynchronous copy");
  }

  @Test
  void pairsLieAtMultiplesOfTwo() {
    expect(Kernels::oddPair, "thread (1, 0, 0)", "HalfFloatArray in: element 1 is no place");
    expect(Kernels::oddPairWritten, "thread (0, 0, 0)", "element 1 is no place");
  }

  @Test
  void additionsNeedAValue() {
    expect(Kernels::addedToUnset, "FloatArray out: element 3", "neither sent to the device");
  }

  @Test
  void fragmentsNameTheirArrays() {
    expect(
        Kernels::fragmentPastTheTile, "thread (31, 0, 0)", "local array 0 (int[128]): index 128");
    expect(
        Kernels::fragmentOfAPrivateArray, "a fragment is loaded from a private array (int[128])");
    expect(Kernels::resultPastTheArray, "FloatArray out: index 128 is out of bounds");
    expect(Kernels::resultsOfOneColumn, "data race: FloatArray out: element 4 is written");
    expect(Kernels::laneWithoutAFragment, "threads (9, 0, 0) take no part in mmaStore");
  }

  @Test
  void barriersOfOneLineAreTwo() {
    expect(Kernels::barriersOfOneLine, "diverges at a barrier", "(barrier 2)");
  }
}
