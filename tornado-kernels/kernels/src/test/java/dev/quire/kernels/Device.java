package dev.quire.kernels;

import dev.quire.tornado.jvm.Checked;
import java.util.Random;
import java.util.function.UnaryOperator;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** Runs one kernel in checked mode: sends the inputs, launches, brings the outputs back. */
final class Device {
  private Device() {}

  static Object[] in(Object... arrays) {
    return arrays;
  }

  static Object[] out(Object... arrays) {
    return arrays;
  }

  static void run(
      WorkerGrid grid, Object[] inputs, UnaryOperator<TaskGraph> kernel, Object[] outputs) {
    TaskGraph graph =
        new TaskGraph("test").transferToDevice(DataTransferMode.EVERY_EXECUTION, inputs);
    graph = kernel.apply(graph).transferToHost(DataTransferMode.EVERY_EXECUTION, outputs);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withGridScheduler(new GridScheduler("test.kernel", grid));
      Checked.run(plan::execute);
    } catch (TornadoExecutionPlanException failure) {
      throw new AssertionError(failure);
    }
  }

  /** Random blocks of Q8_0: a half, then 32 bytes. */
  static byte[] q8(Random random, int count) {
    byte[] blocks = new byte[count * 34];
    random.nextBytes(blocks);
    for (int b = 0; b < count; b++) {
      short scale = Float.floatToFloat16(random.nextFloat() / 100);
      blocks[b * 34] = (byte) scale;
      blocks[b * 34 + 1] = (byte) (scale >> 8);
    }
    return blocks;
  }

  static float[] normal(Random random, int elements) {
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  static HalfFloatArray halves(float[] values) {
    HalfFloatArray array = new HalfFloatArray(values.length);
    for (int i = 0; i < values.length; i++) {
      array.set(i, new HalfFloat(values[i]));
    }
    return array;
  }

  static float[] floats(HalfFloatArray array) {
    float[] values = new float[array.getSize()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getFloat32();
    }
    return values;
  }

  static float[] floats(FloatArray array) {
    return array.toHeapArray();
  }
}
