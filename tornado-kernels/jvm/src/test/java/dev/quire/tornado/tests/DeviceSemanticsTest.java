package dev.quire.tornado.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static uk.ac.manchester.tornado.api.enums.MMAShape.M16N8K16;

import dev.quire.tornado.jvm.KernelFault;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** What a device does, done on the JVM: lanes, copies, separate memory, captured graphs. */
class DeviceSemanticsTest {
  private static final int WARP = 32;

  static final class Kernels {
    private Kernels() {}

    /** Halves k, k + 1 of row r of a tile are 16 r + k and the next. */
    private static int pair(int index) {
      int low = new HalfFloat(2 * index).getHalfFloatValue() & 0xFFFF;
      return low | (new HalfFloat(2 * index + 1).getHalfFloatValue() & 0xFFFF) << 16;
    }

    static void partsOfA(KernelContext context, FloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(128);
      for (int i = context.localIdx; i < 128; i += WARP) {
        tile[i] = pair(i);
      }
      context.localBarrier();
      HalfFloat[] part = context.mmaLoadA(tile, 16);
      context.localBarrier();
      for (int i = 0; i < 8; i++) {
        out.set(context.localIdx * 8 + i, part[i].getFloat32());
      }
    }

    static void partsOfB(KernelContext context, FloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(64);
      for (int i = context.localIdx; i < 64; i += WARP) {
        tile[i] = pair(i);
      }
      context.localBarrier();
      HalfFloat[] part = context.mmaLoadB(tile, 16);
      context.localBarrier();
      for (int i = 0; i < 4; i++) {
        out.set(context.localIdx * 4 + i, part[i].getFloat32());
      }
    }

    /** Row r of A lies in the place of row r xor 1: each lane says where its row is. */
    static void product(KernelContext context, FloatArray in, FloatArray out) {
      int[] a = context.allocateIntLocalArray(128);
      int[] b = context.allocateIntLocalArray(64);
      int lane = context.localIdx;
      for (int i = lane; i < 128; i += WARP) {
        a[i ^ 8] = pair(i);
      }
      for (int i = lane; i < 64; i += WARP) {
        b[i] = pair(i);
      }
      context.localBarrier();
      int moved = lane % 2 == 0 ? 32 : -32;
      HalfFloat[] left = context.mmaLoadA(a, 16, moved);
      HalfFloat[] right = context.mmaLoadB(b, 16);
      float[] sums = context.mma(left, right, context.mmaFragment(1), M16N8K16);
      context.mmaStore(sums, out, 0, 0, 8);
    }

    static void warps(KernelContext context, FloatArray in, FloatArray out) {
      float own = in.get(context.globalIdx);
      out.set(context.globalIdx, context.simdSum(own));
      out.set(2 * WARP + context.globalIdx, context.simdShuffleDown(own, 3));
      out.set(4 * WARP + context.globalIdx, context.simdBroadcastFirst(own));
    }

    static void copies(KernelContext context, HalfFloatArray in, FloatArray out) {
      int[] tile = context.allocateIntLocalArray(WARP);
      context.asyncCopyToLocal(tile, context.localIdx, in, 2 * context.localIdx);
      context.asyncCopyCommit();
      float before = tile[context.localIdx];
      context.asyncCopyWaitGroup(0);
      out.set(context.localIdx, before);
      out.set(WARP + context.localIdx, tile[context.localIdx]);
    }

    static void addOne(KernelContext context, FloatArray in, FloatArray out) {
      out.set(context.globalIdx, in.get(context.globalIdx) + 1);
    }
  }

  private static FloatArray run(
      int threads,
      int results,
      TornadoFunctions.Task3<KernelContext, FloatArray, FloatArray> kernel,
      float... in) {
    FloatArray input = FloatArray.fromArray(in);
    FloatArray out = new FloatArray(results);
    Tasks.run(
        threads,
        WARP,
        Tasks.arrays(input),
        graph -> graph.task("t", kernel, new KernelContext(), input, out),
        Tasks.arrays(out));
    return out;
  }

  @Test
  void fragmentsHaveThePlacesThatPtxGivesThem() {
    FloatArray a = run(WARP, WARP * 8, Kernels::partsOfA, 0);
    FloatArray b = run(WARP, WARP * 4, Kernels::partsOfB, 0);
    for (int lane = 0; lane < WARP; lane++) {
      int group = lane / 4;
      int inGroup = lane % 4;
      for (int i = 0; i < 8; i++) {
        int row = i % 4 < 2 ? group : group + 8;
        int k = 2 * inGroup + i % 2 + (i < 4 ? 0 : 8);
        assertThat(a.get(lane * 8 + i)).as("a%d of lane %d", i, lane).isEqualTo(16 * row + k);
      }
      for (int i = 0; i < 4; i++) {
        int k = 2 * inGroup + i % 2 + (i < 2 ? 0 : 8);
        assertThat(b.get(lane * 4 + i)).as("b%d of lane %d", i, lane).isEqualTo(8 * k + group);
      }
    }
  }

  @Test
  void aProductTakesItsRowsWhereTheLanesSay() {
    FloatArray out = run(WARP, 128, Kernels::product, 0);
    for (int row = 0; row < 16; row++) {
      for (int column = 0; column < 8; column++) {
        float sum = 1;
        for (int k = 0; k < 16; k++) {
          sum += (16 * row + k) * (float) (8 * k + column);
        }
        assertThat(out.get(8 * row + column)).as("%d, %d", row, column).isEqualTo(sum);
      }
    }
  }

  @Test
  void warpsExchangeAmongTheir32Lanes() {
    float[] in = new float[2 * WARP];
    for (int i = 0; i < in.length; i++) {
      in[i] = i;
    }
    FloatArray out = run(2 * WARP, 6 * WARP, Kernels::warps, in);
    for (int i = 0; i < 2 * WARP; i++) {
      int first = i / WARP * WARP;
      assertThat(out.get(i)).isEqualTo(WARP * first + 496f);
      assertThat(out.get(2 * WARP + i)).isEqualTo(i % WARP < 29 ? i + 3 : i);
      assertThat(out.get(4 * WARP + i)).isEqualTo(first);
    }
  }

  @Test
  void aCopyIsThereAfterItsWaitNotBefore() {
    HalfFloatArray in = new HalfFloatArray(2 * WARP);
    in.init(new HalfFloat(0));
    FloatArray out = new FloatArray(2 * WARP);
    Tasks.run(
        WARP,
        WARP,
        Tasks.arrays(in),
        graph -> graph.task("t", Kernels::copies, new KernelContext(), in, out),
        Tasks.arrays(out));
    for (int i = 0; i < WARP; i++) {
      assertThat(out.get(i)).as("poison").isNotZero();
      assertThat(out.get(WARP + i)).isZero();
    }
  }

  @Test
  void whatWasNotSentIsNotOnTheDevice() {
    FloatArray in = FloatArray.fromElements(new float[WARP]);
    FloatArray out = new FloatArray(WARP);
    Tasks.run(
        WARP,
        WARP,
        Tasks.arrays(out),
        graph -> graph.task("t", Kernels::addOne, new KernelContext(), in, out),
        Tasks.arrays(out));
    assertThat(out.get(0)).isNaN();
  }

  @Test
  void aFirstTransferIsTheLastAndACapturedGridStays() throws Exception {
    FloatArray in = new FloatArray(2 * WARP);
    FloatArray out = new FloatArray(2 * WARP);
    WorkerGrid1D grid = new WorkerGrid1D(WARP);
    grid.setLocalWork(WARP, 1, 1);
    TaskGraph graph =
        new TaskGraph("g")
            .transferToDevice(DataTransferMode.FIRST_EXECUTION, in, out)
            .task("t", Kernels::addOne, new KernelContext(), in, out)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, out);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withGridScheduler(new GridScheduler("g.t", grid));
      plan.withCUDAGraph();
      plan.execute();
      in.init(7);
      grid.setGlobalWork(2 * WARP, 1, 1);
      plan.execute();
    }
    assertThat(out.get(0)).as("the host's array of the first execution, plus one").isEqualTo(1);
    assertThat(out.get(2 * WARP - 1)).as("beyond the captured grid").isZero();
  }

  @Test
  void aGraphConsumesWhatAnotherPersistsOnly() throws Exception {
    FloatArray in = new FloatArray(WARP);
    FloatArray out = new FloatArray(WARP);
    WorkerGrid1D grid = new WorkerGrid1D(WARP);
    grid.setLocalWork(WARP, 1, 1);
    TaskGraph keeps =
        new TaskGraph("keeps")
            .transferToDevice(DataTransferMode.FIRST_EXECUTION, in)
            .task("t", Kernels::addOne, new KernelContext(), in, out)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, out);
    TaskGraph takes =
        new TaskGraph("takes")
            .consumeFromDevice("keeps", out)
            .task("t", Kernels::addOne, new KernelContext(), out, in)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, in);
    GridScheduler grids = new GridScheduler("keeps.t", grid);
    grids.addWorkerGrid("takes.t", grid);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(keeps.snapshot(), takes.snapshot())) {
      plan.withGridScheduler(grids);
      assertThatThrownBy(plan::execute)
          .isInstanceOf(KernelFault.class)
          .hasMessageContaining("graph takes consumes")
          .hasMessageContaining("from graph keeps");
    }
    try (TornadoExecutionPlan plan =
        new TornadoExecutionPlan(keeps.persistOnDevice(out).snapshot(), takes.snapshot())) {
      plan.withGridScheduler(grids).execute();
    }
    assertThat(in.get(0)).isEqualTo(2);
  }

  @Test
  void arraysHaveAHeaderOf16BytesThatBeginsWithTheirLength() {
    HalfFloatArray array = new HalfFloatArray(5);
    array.set(0, new HalfFloat(1));
    assertThat(array.getNumBytesOfSegmentWithHeader()).isEqualTo(16 + 2 * 5);
    assertThat(array.getSegmentWithHeader().get(ValueLayout.JAVA_INT, 0)).isEqualTo(5);
    assertThat(array.getSegmentWithHeader().get(ValueLayout.JAVA_SHORT, 16))
        .isEqualTo((short) 0x3C00);
  }
}
