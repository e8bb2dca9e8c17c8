package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

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
    MemorySegment data = w.data();
    for (int from = 0; from < w.inputs(); from += CHUNK) {
      int n = Math.min(CHUNK, w.inputs() - from);
      long at = w.offset(tile, from);
      int input = xOffset + from;
      switch (w.layout()) {
        case FLOAT, HALF, BRAIN -> {
          for (int row = 0; row < ROWS; row += 4 * WIDTH) {
            int to = outOffset + row;
            switch (w.layout()) {
              case FLOAT -> ElementTiles.floats(data, at, row, n, x, input, out, to);
              case HALF -> ElementTiles.halves(data, at, row, n, x, input, out, to);
              default -> ElementTiles.brainFloats(data, at, row, n, x, input, out, to);
            }
          }
        }
        default -> {
          // Levels with activations as they are: for checks, or Q6_K.
          float[] panel = s.panel(CHUNK * ROWS);
          decode(w, tile, from, panel, s);
          VectorPanel.multiply(panel, n, x, input, 1, out, outOffset, 0, s);
        }
      }
    }
  }

  /** {@link Arithmetic#quantizedProduct}. */
  static void quantizedProduct(
      WeightTiles w, int tile, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    Arrays.fill(out, outOffset, outOffset + ROWS, 0);
    MemorySegment data = w.data();
    float[] scales = s.scales();
    float[] minima = s.minima();
    int step = readAhead(w.layout());
    for (int from = 0; from < w.inputs(); from += step) {
      int n = Math.min(step, w.inputs() - from);
      long at = w.offset(tile, from);
      s.sink(Lanes.touch(data, at, w.layout().bytes(n)));
      scales(w, tile, from, n, s);
      for (int row = 0; row < ROWS; row = nextWords(row)) {
        switch (w.layout()) {
          case Q8_0 -> Q8Tiles.product(data, at, row, n, scales, x, from, out, outOffset);
          case Q4_0 -> Q4Tiles.product(data, at, row, n, scales, x, from, out, outOffset);
          default -> Q4Tiles.productK(data, at, row, n, scales, minima, x, from, out, outOffset);
        }
      }
    }
  }

  /**
   * Inputs whose lines are read ahead of their products: few, so that the processor is still at the
   * products of some when it reads those of the next. A block of Q4_K can't be cut.
   */
  private static int readAhead(TileLayout layout) {
    return switch (layout) {
      case Q8_0 -> 64;
      case Q4_0 -> 128;
      default -> CHUNK;
    };
  }

  /** A vector of words has two of rows, 16 apart: after sixteen rows come those from 32 on. */
  private static int nextWords(int row) {
    int next = row + WIDTH;
    return next % 32 == 16 ? next + 16 : next;
  }

  private static void scales(WeightTiles w, int tile, int from, int n, Scratch s) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    switch (w.layout()) {
      case FLOAT, HALF, BRAIN -> {}
      case Q8_0 -> Q8Tiles.scales(data, at, n, s.scales());
      case Q4_0 -> Q4Tiles.scales(data, at, n, s.scales());
      case Q4_K -> Q4Tiles.scalesK(data, at, s.scales(), s.minima());
      case Q6_K -> Q6KTiles.scales(data, at, s.scales());
    }
  }

  /** {@link Arithmetic#levels}. */
  static void levels(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    int n = Math.min(CHUNK, w.inputs() - from);
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    s.sink(Lanes.touch(data, at, w.layout().bytes(n)));
    scales(w, tile, from, n, s);
    int bytes = w.layout() == TileLayout.Q4_0 ? Q4Tiles.BYTES : Q4Tiles.NIBBLES;
    for (int row = 0; row < ROWS; row = nextWords(row)) {
      if (w.layout() == TileLayout.Q8_0) {
        Q8Tiles.levels(data, at, row, n, panel);
      } else {
        int least = w.layout().leastLevel();
        Q4Tiles.levels(data, at, bytes, row, n, least, panel);
      }
    }
  }

  /** {@link Arithmetic#decode}. */
  static void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    int n = Math.min(CHUNK, w.inputs() - from);
    switch (w.layout()) {
      case FLOAT -> MemorySegment.copy(data, ValueLayout.JAVA_FLOAT, at, panel, 0, n * ROWS);
      case HALF -> ElementTiles.decodeHalves(data, at, n, panel);
      case BRAIN -> ElementTiles.decodeBrainFloats(data, at, n, panel);
      case Q8_0, Q4_0 -> {
        levels(w, tile, from, panel, s);
        scale(panel, n, s.scales());
      }
      case Q4_K -> {
        levels(w, tile, from, panel, s);
        scale(panel, n, s.scales(), s.minima());
      }
      case Q6_K -> {
        s.sink(Lanes.touch(data, at, w.layout().bytes(n)));
        scales(w, tile, from, n, s);
        for (int row = 0; row < ROWS; row += WIDTH) {
          Q6KTiles.decode(data, at, row, s.scales(), panel);
        }
      }
    }
  }

  private static void scale(float[] panel, int n, float[] scales) {
    for (int row = 0; row < ROWS; row += WIDTH) {
      for (int k = 0; k < n; k++) {
        FloatVector d = FloatVector.fromArray(FLOATS, scales, k / 32 * ROWS + row);
        int at = k * ROWS + row;
        FloatVector.fromArray(FLOATS, panel, at).mul(d).intoArray(panel, at);
      }
    }
  }

  private static void scale(float[] panel, int n, float[] scales, float[] minima) {
    for (int row = 0; row < ROWS; row += WIDTH) {
      for (int k = 0; k < n; k++) {
        int block = k / 32 * ROWS + row;
        FloatVector d = FloatVector.fromArray(FLOATS, scales, block);
        FloatVector m = FloatVector.fromArray(FLOATS, minima, block);
        int at = k * ROWS + row;
        FloatVector.fromArray(FLOATS, panel, at).fma(d, m).intoArray(panel, at);
      }
    }
  }
}
