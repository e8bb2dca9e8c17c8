package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.WorkerTeam;

/** Runs work on rows by the team, or alone where there is too little of it to wake anyone. */
final class RowLoop {
  private static final int FEW_ROWS = 4;

  private final WorkerTeam team;

  RowLoop(WorkerTeam team) {
    this.team = team;
  }

  void forEach(int rows, WorkerTeam.ItemTask task) {
    if (rows >= FEW_ROWS) {
      team.forEach(rows, task);
      return;
    }
    for (int row = 0; row < rows; row++) {
      task.run(row, 0);
    }
  }

  /** An array of at least this length: the given one if it is. */
  static float[] grown(float[] array, long length) {
    return array.length >= length ? array : new float[Math.toIntExact(length)];
  }

  /** Adds a bias to a row, where there is one. */
  static void addBias(float[] x, int offset, float @org.jspecify.annotations.Nullable [] bias) {
    if (bias != null) {
      for (int i = 0; i < bias.length; i++) {
        x[offset + i] += bias[i];
      }
    }
  }
}
