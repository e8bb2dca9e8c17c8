package dev.quire.tornado.tests;

import java.util.function.UnaryOperator;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/** Runs one task over a line of work items. */
final class Tasks {
  private Tasks() {}

  static void run(int global, int local, Object[] in, UnaryOperator<TaskGraph> task, Object[] out) {
    WorkerGrid1D grid = new WorkerGrid1D(global);
    grid.setLocalWork(local, 1, 1);
    TaskGraph graph = new TaskGraph("g").transferToDevice(DataTransferMode.EVERY_EXECUTION, in);
    graph = task.apply(graph).transferToHost(DataTransferMode.EVERY_EXECUTION, out);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withGridScheduler(new GridScheduler("g.t", grid)).execute();
    } catch (TornadoExecutionPlanException failure) {
      throw new AssertionError(failure);
    }
  }

  static Object[] arrays(Object... arrays) {
    return arrays;
  }
}
