package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/** Executes the graphs of one plan, capturing those that are to be replayed. */
final class PlanRunner implements AutoCloseable {
  /**
   * Graphs that run one after the other.
   *
   * @param capture whether they are captured at their first execution and replayed afterwards
   * @param overlap whether their kernels are then launched while those before them end
   */
  record Program(int first, int count, boolean capture, boolean overlap) {}

  // A plan keeps the result of each of its executions; from time to time it is put away with them.
  private static final int RENEWAL = 1 << 12;

  private final List<Segments.Segment> segments = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final BitSet started = new BitSet();
  private final Grids grids = new Grids();
  private TornadoExecutionPlan plan = new TornadoExecutionPlan();
  private TornadoExecutionPlan chosen = plan;
  private final Map<Integer, GraphReplay> replays = new HashMap<>();
  private int chosenGraph = -1;
  private int executions;
  private long compileNanos;
  private @Nullable Supplier<TornadoInternals.Compiled> compiled;

  /** Grids by task; names only the first task of the chosen graph where TornadoVM looks for one. */
  private static final class Grids extends GridScheduler {
    private Set<String> chosen = Set.of();

    @Override
    public Set<String> keySet() {
      return chosen;
    }
  }

  /** Adds graphs, before {@link #start}. */
  Program add(List<Segments.Segment> added, boolean capture) {
    return add(added, capture, false);
  }

  /** The same, with kernels that overlap or not. */
  Program add(List<Segments.Segment> added, boolean capture, boolean overlap) {
    Program program = new Program(segments.size(), added.size(), capture, overlap);
    for (Segments.Segment segment : added) {
      segments.add(segment);
      names.add(segment.name());
      for (int i = 0; i < segment.tasks().size(); i++) {
        grids.addWorkerGrid(segment.tasks().get(i), segment.grids().get(i));
      }
    }
    return program;
  }

  /** Makes the plan; nothing is compiled yet. */
  void start() {
    List<ImmutableTaskGraph> graphs = segments.stream().map(Segments.Segment::graph).toList();
    plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    compiled = TornadoInternals.shareCode(plan, graphs);
    grids.chosen = Set.of(segments.getFirst().tasks().getFirst());
    plan.withGridScheduler(grids);
  }

  private void choose(int graph) {
    if (graph == chosenGraph && executions++ < RENEWAL) {
      return;
    }
    executions = 0;
    chosenGraph = graph;
    grids.chosen = Set.of(segments.get(graph).tasks().getFirst());
    chosen = plan.withGraph(graph);
  }

  /** Executes a program and waits for its end. */
  void run(Program program) {
    for (int graph = program.first(); graph < program.first() + program.count(); graph++) {
      GraphReplay replay = replays.get(graph);
      if (replay != null) {
        replay(graph, replay);
        continue;
      }
      boolean first = !started.get(graph);
      long begin = first ? System.nanoTime() : 0;
      try {
        choose(graph);
        if (first && program.capture()) {
          ProgrammaticLaunch.choose(program.overlap());
          ProgrammaticLaunch.forget();
          chosen = chosen.withCUDAGraph();
        }
        chosen.execute();
      } catch (RuntimeException e) {
        throw failure(graph, e);
      }
      if (first) {
        started.set(graph);
        if (program.capture()) {
          TornadoInternals.settle(segments.get(graph).graph(), names);
          GraphReplay launched = ProgrammaticLaunch.launched();
          if (launched != null && GraphReplay.possible()) {
            replays.put(graph, launched);
          }
        }
        compileNanos += System.nanoTime() - begin;
      }
    }
  }

  private void replay(int graph, GraphReplay replay) {
    try {
      replay.run();
    } catch (IllegalStateException e) {
      throw failure(graph, e);
    }
  }

  private QuireException failure(int graph, RuntimeException e) {
    return new QuireException(
        QuireException.Kind.FAILED,
        "the device failed in graph of %s: %s".formatted(segments.get(graph).tasks().getFirst(), e),
        e);
  }

  /** Time of first executions so far, which compile and capture. */
  long compileNanos() {
    return compileNanos;
  }

  /** Kernels so far; null where nothing tells. */
  TornadoInternals.@Nullable Compiled compiled() {
    return compiled == null ? null : compiled.get();
  }

  /** Graphs that have run. */
  int startedGraphs() {
    return started.cardinality();
  }

  /** Whether a program has run before, so that nothing is left to compile. */
  boolean ready(Program program) {
    return started.get(program.first());
  }

  @Override
  public void close() {
    replays.clear();
    try {
      plan.freeDeviceMemory();
      plan.close();
    } catch (TornadoExecutionPlanException e) {
      throw new QuireException(
          QuireException.Kind.FAILED, "cannot free the device: " + e.getMessage(), e);
    }
  }
}
