package dev.quire.bench.kernels;

import dev.quire.engine.tornado.ProgrammaticLaunch;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/** A case's launches several times over, in one graph whose arrays stay on the device. */
public final class KernelGraph implements AutoCloseable {
  private static final String NAME = "bench";

  private final TornadoExecutionPlan plan;
  private final double error;
  private final boolean overlaps;

  /**
   * Sends the arrays, compiles, and executes for the first time; launches overlap where the
   * engine's do.
   *
   * @param capture whether the first execution is captured, to be replayed by all others
   */
  public KernelGraph(KernelWork work, int repetitions, boolean capture) {
    this(work, repetitions, capture, Overlap.ENGINE);
  }

  KernelGraph(KernelWork work, int repetitions, boolean capture, Overlap overlap) {
    GridScheduler grids = new GridScheduler();
    TaskGraph graph =
        new TaskGraph(NAME)
            .transferToDevice(DataTransferMode.FIRST_EXECUTION, work.arrays().toArray());
    for (int repetition = 0; repetition < repetitions; repetition++) {
      for (int i = 0; i < work.launches().size(); i++) {
        KernelWork.Launch launch = work.launches().get(i);
        String id = "k" + repetition + "x" + i;
        graph = launch.task().add(graph, id, repetition);
        WorkerGrid grid = launch.grid();
        if (grid != null) {
          grids.addWorkerGrid(NAME + "." + id, grid);
        }
      }
    }
    if (!work.results().isEmpty()) {
      graph = graph.transferToHost(DataTransferMode.UNDER_DEMAND, work.results().toArray());
    }
    plan = new TornadoExecutionPlan(graph.snapshot());
    if (!grids.keySet().isEmpty()) {
      plan.withGridScheduler(grids);
    }
    ProgrammaticLaunch.choose(overlap.of(work));
    if (capture) {
      plan.withCUDAGraph();
    }
    TornadoExecutionResult first = plan.execute();
    if (!work.results().isEmpty()) {
      first.transferToHost(work.results().toArray());
    }
    overlaps = ProgrammaticLaunch.overlapping() > 0;
    error = work.error(repetitions);
  }

  /** Executes once more and waits for the end. */
  public void execute() {
    plan.execute();
  }

  /** The largest relative error of the first execution's results; NaN where nothing checks. */
  double error() {
    return error;
  }

  /** Whether launches begin while those before them end. */
  boolean overlaps() {
    return overlaps;
  }

  @Override
  public void close() {
    try {
      plan.freeDeviceMemory();
      plan.close();
    } catch (TornadoExecutionPlanException failure) {
      throw new IllegalStateException("cannot free the device: " + failure.getMessage(), failure);
    }
  }
}
