package dev.quire.bench.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Arrays and launches of a case. */
public final class KernelWork {
  /** Repetitions of a graph, unless the work says otherwise. */
  static final int REPETITIONS = 8;

  // StepGraphs of the engine has no larger steps of single tokens.
  private static final int MOST_SINGLE_TOKENS = 256;

  private final int rows;
  private final List<TornadoNativeArray> arrays = new ArrayList<>();
  private final List<TornadoNativeArray> results = new ArrayList<>();
  private final List<Launch> launches = new ArrayList<>();
  private int repetitions = REPETITIONS;
  private @Nullable IntToDoubleFunction error;

  /**
   * Nothing yet.
   *
   * @param rows of the step that the launches belong to; 0 if they don't belong to one
   */
  public KernelWork(int rows) {
    this.rows = rows;
  }

  /** Whether the engine launches them while the one before ends: a single row's, and prompts'. */
  boolean overlap() {
    return rows == 1 || rows > MOST_SINGLE_TOKENS;
  }

  /** Adds a task to a graph. */
  @FunctionalInterface
  public interface Task {
    /**
     * Adds the task.
     *
     * @param id its name in the graph
     * @param repetition which of the repetitions it belongs to, so that they can have arrays of
     *     their own
     */
    TaskGraph add(TaskGraph graph, String id, int repetition);
  }

  /**
   * One launch.
   *
   * @param grid null for a library's task, which has its own
   */
  record Launch(@Nullable WorkerGrid grid, Task task) {}

  /** Names arrays that the launches use, results as well; they are sent once. */
  public KernelWork arrays(TornadoNativeArray... used) {
    arrays.addAll(Arrays.asList(used));
    return this;
  }

  /** Names arrays of many repetitions. */
  public KernelWork arrays(List<? extends TornadoNativeArray> used) {
    arrays.addAll(used);
    return this;
  }

  /** Adds a launch to each repetition. */
  public KernelWork launch(WorkerGrid grid, Task task) {
    launches.add(new Launch(grid, task));
    return this;
  }

  /** Adds a library's task, which needs no grid. */
  KernelWork library(Task task) {
    launches.add(new Launch(null, task));
    return this;
  }

  /** Says how many repetitions a graph has at least, or a multiple of it; few where one is long. */
  public KernelWork repetitions(int count) {
    repetitions = count;
    return this;
  }

  /**
   * Says how the result is checked after the first execution.
   *
   * @param error the largest relative error of a sample of elements
   * @param read the arrays that it reads
   */
  public KernelWork check(DoubleSupplier error, TornadoNativeArray... read) {
    return check(_ -> error.getAsDouble(), read);
  }

  /**
   * The same for a result to which each repetition adds.
   *
   * @param error of how many repetitions
   */
  KernelWork check(IntToDoubleFunction error, TornadoNativeArray... read) {
    this.error = error;
    results.addAll(Arrays.asList(read));
    return this;
  }

  List<TornadoNativeArray> arrays() {
    return arrays;
  }

  List<TornadoNativeArray> results() {
    return results;
  }

  List<Launch> launches() {
    return launches;
  }

  int repetitions() {
    return repetitions;
  }

  /** The largest relative error, or NaN where nothing checks. */
  double error(int executed) {
    return error == null ? Double.NaN : error.applyAsDouble(executed);
  }
}
