package dev.quire.tornado.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tornado.jvm.KernelFault;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task4;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * An array that comes again behind an argument that the same task writes: TornadoVM's compiler of
 * graphs then never ends.
 */
class RepeatedArrayTest {
  private static final int SIZE = 64;

  static final class Kernels {
    private Kernels() {}

    static void add(KernelContext context, FloatArray a, FloatArray b, FloatArray out) {
      out.set(context.globalIdx, a.get(context.globalIdx) + b.get(context.globalIdx));
    }

    static void addFirst(KernelContext context, FloatArray out, FloatArray a, FloatArray b) {
      add(context, a, b, out);
    }

    static void perhaps(
        KernelContext context, FloatArray first, FloatArray second, FloatArray third, int write) {
      int at = context.globalIdx;
      if (write != 0) {
        first.set(at, write > 1 ? second.get(0) : (float) (third.get(0) * 2.0));
      }
    }

    static void count(KernelContext context, IntArray sums, IntArray in, IntArray out) {
      context.atomicAdd(sums, in.get(context.globalIdx) > 0 ? 0 : 1, 1);
      out.set(context.globalIdx, sums.getSize());
    }

    static void pairs(
        KernelContext context, HalfFloatArray out, HalfFloatArray in, HalfFloatArray more) {
      long wide = context.globalIdx;
      for (int i = 0; i < 2; i++) {
        out.setHalf2((int) (wide + wide * i), in.getHalf2(2 * context.globalIdx));
      }
      more.get(0);
    }
  }

  private static <A, B, C> void task(
      Task4<KernelContext, A, B, C> kernel, A first, B second, C third) {
    new TaskGraph("g").task("t", kernel, new KernelContext(), first, second, third);
  }

  private static void refused(Runnable said, String... parts) {
    assertThatThrownBy(said::run).isInstanceOf(KernelFault.class).hasMessageContainingAll(parts);
  }

  @Test
  void isRefusedBehindTheArgumentThatIsWritten() {
    FloatArray array = new FloatArray(SIZE);
    FloatArray other = new FloatArray(SIZE);
    refused(
        () -> task(Kernels::addFirst, array, other, array),
        "task g.t: argument 4 (b) is the array that",
        "addFirst writes as argument 2 (out)",
        "Pass another array");
    IntArray ints = new IntArray(SIZE);
    refused(() -> task(Kernels::count, ints, ints, new IntArray(SIZE)), "argument 3 (in)");
    refused(() -> task(Kernels::count, ints, new IntArray(SIZE), ints), "argument 4 (out)");
    HalfFloatArray halves = new HalfFloatArray(SIZE);
    refused(() -> task(Kernels::pairs, halves, new HalfFloatArray(SIZE), halves), "(more)");
  }

  @Test
  void isRefusedWhereScalarsKeepTheKernelFromWriting() {
    FloatArray array = new FloatArray(SIZE);
    FloatArray other = new FloatArray(SIZE);
    Task5<KernelContext, FloatArray, FloatArray, FloatArray, Integer> kernel = Kernels::perhaps;
    TaskGraph graph = new TaskGraph("g");
    refused(
        () -> graph.task("t", kernel, new KernelContext(), array, other, array, 0),
        "argument 4 (third)",
        "argument 2 (first)");
    graph.task("u", kernel, new KernelContext(), other, array, array, 1);
  }

  @Test
  void mayComeBeforeItAndInOtherTasks() {
    FloatArray array = new FloatArray(SIZE);
    array.init(1);
    FloatArray sum = new FloatArray(SIZE);
    sum.init(2);
    Tasks.run(
        SIZE,
        SIZE,
        Tasks.arrays(array, sum),
        graph -> graph.task("t", Kernels::add, new KernelContext(), sum, sum, sum),
        Tasks.arrays(sum));
    assertThat(sum.get(SIZE - 1)).isEqualTo(4);
    Tasks.run(
        SIZE,
        SIZE,
        Tasks.arrays(array, sum),
        graph -> graph.task("t", Kernels::addFirst, new KernelContext(), sum, array, array),
        Tasks.arrays(sum));
    assertThat(sum.get(0)).isEqualTo(2);
    new TaskGraph("g")
        .task("a", Kernels::addFirst, new KernelContext(), sum, array, array)
        .task("b", Kernels::addFirst, new KernelContext(), array, sum, sum);
  }
}
