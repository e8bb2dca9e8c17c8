package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the loop for a tile's layout. Loops take a chunk of inputs and a few vectors of rows, and
 * find the chunk's scales as floats in an array: one loop over whole rows, with the scales made on
 * the way, is more than C2 inlines, and then every vector becomes an object.
 */
final class VectorTiles {
  private VectorTiles() {}

  /** {@link Arithmetic#product}, of one tile. */
  static void product(
      WeightTiles w, int tile, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    Arrays.fill(out, outOffset, outOffset + ROWS, 0);
    for (int from = 0; from < w.inputs(); from += CHUNK) {
      int n = Math.min(CHUNK, w.inputs() - from);
      if (w.layout() == TileLayout.HALF) {
        boolean finite = ElementTiles.scaleInputs(x, xOffset + from, n, s.inputs());
        addChunk(w, tile, from, n, finite ? s.inputs() : null, x, xOffset, out, outOffset, s);
      } else {
        addChunk(w, tile, from, n, null, x, xOffset, out, outOffset, s);
      }
    }
  }

  /**
   * Adds a chunk of {@link #product}.
   *
   * @param scaled the chunk's inputs by {@link ElementTiles#scaleInputs}; null: not finite
   */
  static void addChunk(
      WeightTiles w,
      int tile,
      int from,
      int n,
      float @Nullable [] scaled,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s) {
    MemorySegment data = w.data();
    long at = w.offset(tile, from);
    int input = xOffset + from;
    if (w.layout() == TileLayout.FLOAT) {
      for (int row = 0; row < ROWS; row += 4 * WIDTH) {
        ElementTiles.floats(data, at, row, n, x, input, out, outOffset);
      }
    } else if (w.layout() == TileLayout.BRAIN) {
      for (int word = 0; word < ROWS / 2; word += 2 * WIDTH) {
        ElementTiles.brainFloats(data, at, word, n, x, input, out, outOffset);
      }
    } else if (w.layout() == TileLayout.HALF && scaled != null) {
      for (int word = 0; word < ROWS / 2; word += 2 * WIDTH) {
        ElementTiles.halves(data, at, word, n, scaled, 0, out, outOffset);
      }
    } else {
      // Levels with activations as they are: for checks, or Q6_K.
      float[] panel = s.panel(CHUNK * ROWS);
      decode(w, tile, from, panel, s);
      VectorPanel.multiply(panel, n, x, input, 1, out, outOffset, 0, s);
    }
  }

  /**
   * {@link Arithmetic#quantizedProducts} of words as they lie, with one row or a quad.
   *
   * @param row the first row
   * @param rows 1, or {@value Arithmetic#QUAD} where the factors are those of a quad
   */
  static void quantizedProduct(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      int row,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    for (int r = 0; r < rows; r++) {
      Arrays.fill(out, outOffset + r * outStride, outOffset + r * outStride + ROWS, 0);
    }
    for (int from = 0; from < w.inputs(); from += CHUNK) {
      int n = Math.min(CHUNK, w.inputs() - from);
      long chunk = w.offset(tile, from);
      sums(w, chunk, n, x, x.factor(row, from), rows, s);
      int blocks = n / QuantizedRows.BLOCK;
      if (rows == 1 && w.layout().hasNibbles()) {
        addRow(
            w,
            tile,
            from,
            n,
            x,
            (row * w.inputs() + from) / QuantizedRows.BLOCK,
            out,
            outOffset,
            s);
        continue;
      }
      scales(w, tile, from, n, s);
      for (int r = 0; r < rows; r++) {
        int block = ((row + r) * w.inputs() + from) / QuantizedRows.BLOCK;
        add(w.layout(), r, rows, blocks, x, block, out, outOffset + r * outStride, s);
      }
    }
  }

  private static void sums(
      WeightTiles w, long chunk, int n, QuantizedRows x, int factor, int rows, Scratch s) {
    long half = (long) w.layout().lines(n) * LINE;
    float[] factors = x.factors();
    for (int word = 0; word < ROWS / 2; word = nextPair(word)) {
      long at = chunk + words(word, half);
      long gap = words(word + WIDTH, half) - words(word, half);
      int shift = s.nibbleShift();
      if (w.layout() == TileLayout.Q8_0) {
        Q8Tiles.sums(w.data(), at, gap, n, factors, factor, s.byteShift(), s.wordSums(), word);
      } else if (rows == 1) {
        Q4Row.sums(w.data(), at, gap, n, factors, factor, shift, s.shortSums(), 2 * word);
      } else {
        Q4Tiles.quadSums(w.data(), at, gap, n, factors, factor, shift, s.shortSums(), 2 * word);
      }
    }
  }

  /** Adds the sums of one row with words of nibbles. */
  private static void addRow(
      WeightTiles w,
      int tile,
      int from,
      int n,
      QuantizedRows x,
      int block,
      float[] out,
      int to,
      Scratch s) {
    short[] sums = s.shortSums();
    int blocks = n / QuantizedRows.BLOCK;
    if (w.layout().hasMinima()) {
      scales(w, tile, from, n, s);
      Q4Row.addWithMinima(sums, blocks, s.scales(), s.minima(), x, block, out, to);
      return;
    }
    long scales = w.start(tile, from);
    Q4Row.add(sums, blocks, w.layout().leastLevel(), w.data(), scales, x, block, out, to);
  }

  private static void add(
      TileLayout layout,
      int r,
      int rows,
      int blocks,
      QuantizedRows x,
      int block,
      float[] out,
      int to,
      Scratch s) {
    float[] scales = s.scales();
    short[] sums = s.shortSums();
    int first = r * ROWS;
    int run = rows * ROWS;
    switch (layout) {
      case Q8_0 -> Q8Tiles.add(s.wordSums(), blocks, scales, x.scales(), block, out, to);
      case Q4_0 ->
          Q4Tiles.add(sums, first, run, blocks, layout.leastLevel(), scales, x, block, out, to);
      default ->
          Q4Tiles.addWithMinima(sums, first, run, blocks, scales, s.minima(), x, block, out, to);
    }
  }

  /** Loops take two vectors of words at a time. */
  private static int nextPair(int word) {
    return word + 2 * WIDTH;
  }

  /**
   * Where a word of 32 is among the words of a chunk.
   *
   * @param half bytes of the words of 32 rows
   */
  static long words(int word, long half) {
    return word / 16 * half + word % 16 * Integer.BYTES;
  }

  /** Which of the 64 rows is in the low half of a word of 32. */
  static int row(int word) {
    return word / 16 * 32 + word % 16;
  }

  /**
   * Makes the scales of some inputs into floats.
   *
   * @param from a multiple of 32; of 256 where scales are of 256 inputs
   */
  static void scales(WeightTiles w, int tile, int from, int n, Scratch s) {
    MemorySegment data = w.data();
    int chunk = from / CHUNK * CHUNK;
    long at = w.start(tile, chunk);
    switch (w.layout()) {
      case FLOAT, HALF, BRAIN -> {}
      case Q8_0, Q4_0 -> {
        at += (from - chunk) / 32 * 2L * ROWS;
        for (int i = 0; i < n / 32 * ROWS; i += WIDTH) {
          Lanes.finiteHalves(data, at + 2L * i).intoArray(s.scales(), i);
        }
      }
      case Q4_K -> Q4Tiles.scalesK(data, at, (from - chunk) / 32, n / 32, s.scales(), s.minima());
      case Q6_K -> Q6KTiles.scales(data, at, s.scales());
    }
  }

  /**
   * As {@link #decode}, but levels alone; their scales and minima are left in the scratch.
   *
   * @param from the first input, a multiple of 32
   * @param n inputs, a multiple of 32
   */
  static void levels(WeightTiles w, int tile, int from, int n, float[] panel, Scratch s) {
    TileLayout layout = w.layout();
    int chunk = from / CHUNK * CHUNK;
    long half = (long) layout.lines(Math.min(CHUNK, w.inputs() - chunk)) * LINE;
    long first = w.offset(tile, chunk) + (long) layout.lines(from - chunk) * LINE;
    // Every line at once and in order: decoding alone asks for a few at a time.
    long bytes = (long) layout.lines(n) * LINE;
    s.sink(Lanes.touch(w.data(), first, bytes) | Lanes.touch(w.data(), first + half, bytes));
    scales(w, tile, from, n, s);
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      long at = first + words(word, half);
      int row = row(word);
      if (layout == TileLayout.Q8_0) {
        Q8Tiles.levels(w.data(), at, row, n, panel);
      } else {
        Q4Tiles.levels(w.data(), at, row, n, layout.leastLevel(), panel);
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
        levels(w, tile, from, n, panel, s);
        scale(panel, n, s.scales());
      }
      case Q4_K -> {
        levels(w, tile, from, n, panel, s);
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
