package dev.quire.engine.tornado;

import dev.quire.engine.tornado.TornadoInternals.Seen;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
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
  // TornadoVM writes a graph into 8192 bytes, if it can't be told otherwise: 15 a task and 5 an
  // argument.
  private static final int GRAPH_BYTES =
      Math.max(8192, TornadoInternals.enlarge(new TaskGraph("none"))) - 192;
  private static final int TASK_BYTES = 15;
  private static final int ARGUMENT_BYTES = 5;
  private static final int MOST_TASKS = 250;
  // It makes at most 1024 nodes of a graph: of each array that is named, and two more if a task
  // takes it, of each scalar, two of each task, and one of each argument that a task writes.
  // The launcher says how many, where it could raise that.
  private static final int GRAPH_NODES = Integer.getInteger("quire.graph.nodes", 1024) - 8;
  private static final int TASK_NODES = 2;
  private static final int ARRAY_NODES = 2;
  private static final int FIXED_NODES = 16;
  // A guess for a task of which nothing is known.
  private static final int UNSEEN_NODES = 9;

  private record Task(
      String id,
      int arguments,
      WorkerGrid grid,
      UnaryOperator<TaskGraph> add,
      List<TornadoNativeArray> inputs) {}

  /** A graph and the grids of its tasks, by {@code graph.task}. */
  record Segment(
      String name, ImmutableTaskGraph graph, List<String> tasks, List<WorkerGrid> grids) {}

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
    List<Seen> seen = seen();
    int from = 0;
    while (from < tasks.size()) {
      int to = from;
      int bytes = 0;
      int nodes = shared.size() + results.length + FIXED_NODES;
      Set<Object> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
      Set<Object> constants = new HashSet<>();
      while (to < tasks.size() && to - from < MOST_TASKS) {
        bytes += TASK_BYTES + ARGUMENT_BYTES * tasks.get(to).arguments();
        if (seen.isEmpty()) {
          nodes += UNSEEN_NODES;
        } else {
          nodes += TASK_NODES + seen.get(to).writes();
          for (Object argument : seen.get(to).arguments()) {
            boolean more =
                argument instanceof Number ? constants.add(argument) : arrays.add(argument);
            nodes += more ? argument instanceof Number ? 1 : ARRAY_NODES : 0;
          }
        }
        if (bytes > GRAPH_BYTES || nodes > GRAPH_NODES) {
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

  /** The tasks as TornadoVM sees them; empty where it does not tell. */
  private List<Seen> seen() {
    List<Seen> all = new ArrayList<>();
    TaskGraph graph = new TaskGraph(name + "x");
    if (TornadoInternals.enlarge(graph) > 0) {
      for (Task task : tasks) {
        graph = task.add().apply(graph);
        Seen last = TornadoInternals.last(graph);
        if (last == null) {
          return List.of();
        }
        all.add(last);
      }
    }
    return all;
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
    TaskGraph graph = new TaskGraph(graphName);
    TornadoInternals.enlarge(graph);
    graph = graph.consumeFromDevice(source, shared.toArray());
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
        graphName,
        graph.snapshot(),
        part.stream().map(task -> graphName + "." + task.id()).toList(),
        part.stream().map(Task::grid).toList());
  }
}
