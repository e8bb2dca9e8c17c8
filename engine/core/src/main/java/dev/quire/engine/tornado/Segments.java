package dev.quire.engine.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Kernels in the order in which they run, cut into task graphs that TornadoVM's limits allow. */
final class Segments {
  // TornadoVM writes a graph into 8192 bytes: 15 a task and 5 an argument.
  private static final int GRAPH_BYTES = 8000;
  private static final int TASK_BYTES = 15;
  private static final int ARGUMENT_BYTES = 5;
  private static final int MOST_TASKS = 250;

  private record Task(
      String id,
      int arguments,
      WorkerGrid grid,
      UnaryOperator<TaskGraph> add,
      List<TornadoNativeArray> inputs) {}

  /** A graph and the grids of its tasks, by {@code graph.task}. */
  record Segment(ImmutableTaskGraph graph, List<String> tasks, List<WorkerGrid> grids) {}

  private final String name;
  private final List<Task> tasks = new ArrayList<>();

  Segments(String name) {
    this.name = name;
  }

  /**
   * Adds a kernel.
   *
   * @param arguments how many it takes, the context included
   * @param inputs those of its arguments that are sent at every execution, unless they are shared
   */
  void add(
      String id,
      int arguments,
      WorkerGrid grid,
      UnaryOperator<TaskGraph> add,
      TornadoNativeArray... inputs) {
    tasks.add(new Task(id, arguments, grid, add, Arrays.asList(inputs)));
  }

  /**
   * The graphs.
   *
   * @param source the graph that keeps the shared arrays
   * @param shared what all graphs share; every graph names all of it, because TornadoVM passes
   *     buffers on from whichever graph ran last
   * @param results what the last graph brings back
   */
  List<Segment> build(
      String source, List<TornadoNativeArray> shared, TornadoNativeArray... results) {
    List<Segment> segments = new ArrayList<>();
    int from = 0;
    while (from < tasks.size()) {
      int to = from;
      int bytes = 0;
      while (to < tasks.size() && to - from < MOST_TASKS) {
        bytes += TASK_BYTES + ARGUMENT_BYTES * tasks.get(to).arguments();
        if (bytes > GRAPH_BYTES) {
          break;
        }
        to++;
      }
      segments.add(
          segment(
              segments.size(),
              tasks.subList(from, to),
              source,
              shared,
              to == tasks.size() ? results : new TornadoNativeArray[0]));
      from = to;
    }
    return segments;
  }

  private Segment segment(
      int number,
      List<Task> part,
      String source,
      List<TornadoNativeArray> shared,
      TornadoNativeArray[] results) {
    String graphName = name + number;
    Set<TornadoNativeArray> inputs = new LinkedHashSet<>();
    part.forEach(task -> inputs.addAll(task.inputs()));
    Set<TornadoNativeArray> kept = Collections.newSetFromMap(new IdentityHashMap<>());
    kept.addAll(shared);
    inputs.removeIf(kept::contains);
    TaskGraph graph = new TaskGraph(graphName).consumeFromDevice(source, shared.toArray());
    if (!inputs.isEmpty()) {
      graph = graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, inputs.toArray());
    }
    for (Task task : part) {
      graph = task.add().apply(graph);
    }
    if (results.length > 0) {
      graph = graph.transferToHost(DataTransferMode.EVERY_EXECUTION, (Object[]) results);
    }
    return new Segment(
        graph.snapshot(),
        part.stream().map(task -> graphName + "." + task.id()).toList(),
        part.stream().map(Task::grid).toList());
  }
}
