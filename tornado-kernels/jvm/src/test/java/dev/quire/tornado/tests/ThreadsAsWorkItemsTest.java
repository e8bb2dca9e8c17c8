package dev.quire.tornado.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A JVM that does not export its continuations, as a library's user may have it. */
class ThreadsAsWorkItemsTest {
  private static final int SIZE = 64;

  static void turned(KernelContext context, FloatArray in, FloatArray out) {
    float[] tile = context.allocateFloatLocalArray(SIZE);
    tile[context.localIdx] = in.get(context.globalIdx);
    context.localBarrier();
    out.set(context.globalIdx, tile[SIZE - 1 - context.localIdx]);
  }

  static final class Child {
    private Child() {}

    /** Prints the first element of an array turned around. */
    public static void main(String[] arguments) {
      FloatArray in = new FloatArray(SIZE);
      FloatArray out = new FloatArray(SIZE);
      in.set(SIZE - 1, 5);
      for (int run = 0; run < 2; run++) {
        Tasks.run(
            SIZE,
            SIZE,
            Tasks.arrays(in),
            graph -> graph.task("t", ThreadsAsWorkItemsTest::turned, new KernelContext(), in, out),
            Tasks.arrays(out));
      }
      System.out.println(out.get(0));
    }
  }

  @Test
  void areRightAndToldOnceWithTheProgramsName() throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName())
            .start();
    String told = new String(child.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    String printed = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(child.waitFor()).as(told).isZero();
    assertThat(printed.strip()).isEqualTo("5.0");
    assertThat(told.lines().filter(line -> line.contains("work items")))
        .singleElement()
        .asString()
        .startsWith("quire: ")
        .contains("--add-exports java.base/jdk.internal.vm=ALL-UNNAMED");
  }
}
