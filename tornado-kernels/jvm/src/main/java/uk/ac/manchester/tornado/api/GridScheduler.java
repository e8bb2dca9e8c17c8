package uk.ac.manchester.tornado.api;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The grid of each task, by {@code graph.task}. */
public class GridScheduler {
  private final ConcurrentHashMap<String, WorkerGrid> grids = new ConcurrentHashMap<>();

  /** No grids yet. */
  public GridScheduler() {}

  /** One grid. */
  public GridScheduler(String taskName, WorkerGrid workerGrid) {
    grids.put(taskName, workerGrid);
  }

  /** Sets the grid of a task. */
  public void addWorkerGrid(String taskName, WorkerGrid workerGrid) {
    grids.put(taskName, workerGrid);
  }

  /** The grid of a task, or null. */
  public @Nullable WorkerGrid get(String taskName) {
    return grids.get(taskName);
  }

  /** Whether the task of that graph has a grid. */
  public boolean contains(String taskScheduleName, String taskName) {
    return grids.containsKey(taskScheduleName + "." + taskName);
  }

  /** The tasks that have grids. */
  public Set<String> keySet() {
    return grids.keySet();
  }

  @Override
  public String toString() {
    return grids.keySet().toString();
  }
}
