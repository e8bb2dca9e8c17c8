package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.util.Arrays;

/** Decodes chunks of 64 rows from a matrix that wasn't laid out in tiles. */
final class RowPanel {
  private RowPanel() {}

  /** As {@link Arithmetic#decode}. */
  static void decode(Matrix w, int tile, int from, float[] panel, Scratch s) {
    int n = Math.min(CHUNK, w.inputs() - from);
    int rows = Math.min(ROWS, w.outputs() - tile * ROWS);
    if (rows < ROWS) {
      Arrays.fill(panel, 0, n * ROWS, 0);
    }
    float[] row = s.weights(CHUNK);
    for (int r = 0; r < rows; r++) {
      RowDecoder.decode(w, tile * ROWS + r, from, n, row, s);
      for (int i = 0, to = r; i < n; i++, to += ROWS) {
        panel[to] = row[i];
      }
    }
  }
}
