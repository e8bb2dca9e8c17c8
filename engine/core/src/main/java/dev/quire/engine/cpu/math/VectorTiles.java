package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Chooses the loop for a tile's layout. Loops take a chunk of inputs and a few vectors of rows, and
 * find the chunk's scales as floats in an array: one loop over whole rows, with the scales made on
 * the way, is more than C2 inlines, and then every vector becomes an object.
 */
final class VectorTiles {
  private VectorTiles() {}

  /** {@link Arithmetic#product}. */
  static void product(
      WeightTiles w, int tile, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    Arrays.fill(out, outOffset, outOffset + ROWS, 0);
    for (int from = 0; from < w.inputs(); from += CHUNK) {
      int n = Math.min(CHUNK, w.inputs() - from);
      if (w.layout().blockInputs() > 1) {
        s.sink(Lanes.touch(w.data(), w.offset(tile, from), w.layout().bytes(n)));
      }
      if (w.layout() == TileLayout.Q6_K) {
        float[] panel = s.panel(CHUNK * ROWS);
        decode(w, tile, from, panel, s);
        VectorPanel.multiply(panel, n, x, xOffset + from, 1, out, outOffset, 0);
      } else {
        scales(w, tile, from, n, s);
        chunk(w, tile, from, n, x, xOffset + from, out, outOffset, s);
      }
    }
  }

  private static void scales(WeightTiles w, int tile, int from, int n, Scratch s) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    switch (w.layout()) {
      case FLOAT, HALF, BRAIN -> {}
      case Q8_0 -> Q8Tiles.scales(data, at, n, s.scales());
      case Q4_0 -> Q4Tiles.scales(data, at, n, s.scales(), s.minima());
      case Q4_K -> Q4Tiles.scalesK(data, at, s.scales(), s.minima());
      case Q6_K -> Q6KTiles.scales(data, at, s.scales());
    }
  }

  private static void chunk(
      WeightTiles w,
      int tile,
      int from,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    float[] scales = s.scales();
    float[] minima = s.minima();
    int rows =
        switch (w.layout()) {
          case Q4_0, Q4_K -> 2 * WIDTH;
          default -> 4 * WIDTH;
        };
    for (int row = 0; row < ROWS; row += rows) {
      int to = outOffset + row;
      switch (w.layout()) {
        case FLOAT -> ElementTiles.floats(data, at, row, n, x, xOffset, out, to);
        case HALF -> ElementTiles.halves(data, at, row, n, x, xOffset, out, to);
        case BRAIN -> ElementTiles.brainFloats(data, at, row, n, x, xOffset, out, to);
        case Q8_0 -> Q8Tiles.product(data, at, row, n, scales, x, xOffset, out, to);
        case Q4_0 ->
            Q4Tiles.product(data, at, Q4Tiles.BYTES, row, n, scales, minima, x, xOffset, out, to);
        case Q4_K ->
            Q4Tiles.product(data, at, Q4Tiles.PAIRS, row, n, scales, minima, x, xOffset, out, to);
        case Q6_K -> throw new IllegalArgumentException("no product of " + w.layout());
      }
    }
  }

  /** {@link Arithmetic#decode}. */
  static void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    int n = Math.min(CHUNK, w.inputs() - from);
    scales(w, tile, from, n, s);
    float[] scales = s.scales();
    float[] minima = s.minima();
    switch (w.layout()) {
      case FLOAT -> MemorySegment.copy(data, ValueLayout.JAVA_FLOAT, at, panel, 0, n * ROWS);
      case HALF -> ElementTiles.decodeHalves(data, at, n, panel);
      case BRAIN -> ElementTiles.decodeBrainFloats(data, at, n, panel);
      case Q8_0 -> {
        for (int row = 0; row < ROWS; row += WIDTH) {
          Q8Tiles.decode(data, at, row, n, scales, panel);
        }
      }
      case Q4_0, Q4_K -> {
        int bytes = w.layout() == TileLayout.Q4_0 ? Q4Tiles.BYTES : Q4Tiles.PAIRS;
        for (int row = 0; row < ROWS; row += WIDTH) {
          Q4Tiles.decode(data, at, bytes, row, n, scales, minima, panel);
        }
      }
      case Q6_K -> {
        for (int row = 0; row < ROWS; row += WIDTH) {
          Q6KTiles.decode(data, at, row, scales, panel);
        }
      }
    }
  }
}
