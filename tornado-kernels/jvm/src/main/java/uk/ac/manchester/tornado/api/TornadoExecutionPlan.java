package uk.ac.manchester.tornado.api;

import dev.quire.tornado.jvm.Graph;
import dev.quire.tornado.jvm.GridShape;
import dev.quire.tornado.jvm.Plan;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/** Graphs that share a device's memory, and how they are to be executed. */
public class TornadoExecutionPlan implements AutoCloseable {
  private final Plan plan;

  /** A plan over graphs, numbered in this order. */
  public TornadoExecutionPlan(ImmutableTaskGraph... immutableTaskGraphs) {
    Graph[] graphs = new Graph[immutableTaskGraphs.length];
    for (int i = 0; i < graphs.length; i++) {
      graphs[i] = immutableTaskGraphs[i].graph();
    }
    plan = new Plan(graphs);
  }

  /** Executes the chosen graph, or all in order, and waits for the end. */
  public TornadoExecutionResult execute() {
    plan.execute();
    return new TornadoExecutionResult(plan);
  }

  /** Chooses one graph. */
  public TornadoExecutionPlan withGraph(int graphIndex) {
    plan.choose(graphIndex);
    return this;
  }

  /** Chooses all graphs. */
  public TornadoExecutionPlan withAllGraphs() {
    plan.chooseAll();
    return this;
  }

  /** Compiles ahead of the first execution; here there is nothing to compile. */
  public TornadoExecutionPlan withPreCompilation() {
    return this;
  }

  /** Sets the tasks' grids, which are read at each execution until a capture freezes them. */
  public TornadoExecutionPlan withGridScheduler(GridScheduler gridScheduler) {
    plan.grids(
        task -> {
          WorkerGrid grid = gridScheduler.get(task);
          return grid == null ? null : GridShape.of(grid);
        });
    return this;
  }

  /** Captures each chosen graph at its next execution: grids are frozen from then on. */
  public TornadoExecutionPlan withCUDAGraph() {
    plan.capture();
    return this;
  }

  /** Frees what the plan holds on the device. */
  public TornadoExecutionPlan freeDeviceMemory() {
    plan.free();
    return this;
  }

  /** Bytes that the plan holds on the device. */
  public long getCurrentDeviceMemoryUsage() {
    return plan.deviceBytes();
  }

  @Override
  public void close() throws TornadoExecutionPlanException {
    plan.free();
  }
}
