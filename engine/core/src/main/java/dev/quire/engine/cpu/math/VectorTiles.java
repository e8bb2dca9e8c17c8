package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Chooses the loop for a tile's layout, and takes its rows a few vectors at a time. */
final class VectorTiles {
  private VectorTiles() {}

  /** {@link Arithmetic#product}. */
  static void product(WeightTiles w, int tile, float[] x, int xOffset, float[] out, int outOffset) {
    MemorySegment data = w.data();
    long at = w.offset(tile, 0);
    int n = w.inputs();
    int rows = w.layout() == TileLayout.Q6_K ? 2 * WIDTH : 4 * WIDTH;
    for (int row = 0; row < ROWS; row += rows) {
      int to = outOffset + row;
      switch (w.layout()) {
        case FLOAT -> ElementTiles.floats(data, at, row, n, x, xOffset, out, to);
        case HALF -> ElementTiles.halves(data, at, row, n, x, xOffset, out, to);
        case BRAIN -> ElementTiles.brainFloats(data, at, row, n, x, xOffset, out, to);
        case Q8_0 -> Q8Tiles.product(data, at, row, n, x, xOffset, out, to);
        case Q4_0 -> Q4Tiles.product(data, at, row, n, x, xOffset, out, to);
        case Q4_K -> Q4Tiles.productK(data, at, row, n, x, xOffset, out, to);
        case Q6_K -> Q6KTiles.product(data, at, row, n, x, xOffset, out, to);
      }
    }
  }

  /** {@link Arithmetic#decode}. */
  static void decode(WeightTiles w, int tile, int from, float[] panel) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    int n = Math.min(CHUNK, w.inputs() - from);
    switch (w.layout()) {
      case FLOAT -> {
        MemorySegment.copy(data, ValueLayout.JAVA_FLOAT, at, panel, 0, n * ROWS);
        return;
      }
      case HALF -> {
        ElementTiles.decodeHalves(data, at, n, panel);
        return;
      }
      case BRAIN -> {
        ElementTiles.decodeBrainFloats(data, at, n, panel);
        return;
      }
      default -> {}
    }
    for (int row = 0; row < ROWS; row += WIDTH) {
      switch (w.layout()) {
        case Q8_0 -> Q8Tiles.decode(data, at, row, n, panel);
        case Q4_0 -> Q4Tiles.decode(data, at, row, n, panel);
        case Q4_K -> Q4Tiles.decodeK(data, at, row, panel);
        case Q6_K -> Q6KTiles.decode(data, at, row, panel);
        default -> throw new IllegalArgumentException("no loop for " + w.layout());
      }
    }
  }
}
