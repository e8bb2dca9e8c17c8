package dev.quire.engine.cpu.math;

import org.jspecify.annotations.Nullable;

/**
 * Puts rows side by side, as the tiles take them: eight at a time, then four, two, one; {@code
 * [inputs][8]}, and so on. Or quantises them first.
 */
final class Interleaving implements WorkerTeam.ItemTask {
  /** Products, or elements, that are worth waking the team for. */
  static final long SMALL = 16 * 1024;

  private final WorkerTeam team;
  private float[] from = {};
  private float[] to = {};
  private @Nullable QuantizedRows levels;
  private int offset;
  private int stride;
  private int rows;
  private int inputs;

  Interleaving(WorkerTeam team) {
    this.team = team;
  }

  /** How many rows the tile takes that starts where {@code left} are left. */
  static int group(int left) {
    return Math.min(Arithmetic.TILE_ROWS, Integer.highestOneBit(left));
  }

  void run(
      float[] newFrom, int newOffset, int newStride, int newRows, int newInputs, float[] newTo) {
    to = newTo;
    set(newFrom, newOffset, newStride, newRows, newInputs);
    to = from;
  }

  void run(
      float[] newFrom,
      int newOffset,
      int newStride,
      int newRows,
      int newInputs,
      QuantizedRows newLevels) {
    levels = newLevels;
    set(newFrom, newOffset, newStride, newRows, newInputs);
    levels = null;
  }

  private void set(float[] newFrom, int newOffset, int newStride, int newRows, int newInputs) {
    from = newFrom;
    offset = newOffset;
    stride = newStride;
    rows = newRows;
    inputs = newInputs;
    int groups = Math.ceilDiv(rows, Arithmetic.TILE_ROWS);
    if ((long) rows * inputs < SMALL) {
      for (int i = 0; i < groups; i++) {
        run(i, 0);
      }
    } else {
      team.forEach(groups, this);
    }
  }

  @Override
  public void run(int item, int worker) {
    int end = Math.min(rows, (item + 1) * Arithmetic.TILE_ROWS);
    QuantizedRows target = levels;
    for (int r = item * Arithmetic.TILE_ROWS, group; r < end; r += group) {
      group = group(rows - r);
      if (target == null) {
        interleave(r, group);
        continue;
      }
      for (int i = 0; i < group; i++) {
        target.quantize(from, offset + (r + i) * stride, r + i);
      }
    }
  }

  private void interleave(int first, int group) {
    for (int r = 0; r < group; r++) {
      int row = offset + (first + r) * stride;
      int at = first * inputs + r;
      for (int i = 0; i < inputs; i++, at += group) {
        to[at] = from[row + i];
      }
    }
  }
}
