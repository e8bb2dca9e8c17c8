package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Objects;

/**
 * Products of a few neighbouring tiles with one row, for vectors of 256 bits.
 *
 * <pre>
 *   for a chunk of 256 inputs                         elements
 *     for half of the rows                              for all rows
 *       for a block of 32 inputs                          for 8 or 16 inputs
 *         for a tile                                        for a tile
 *           out +=    1 KB of bytes, 512 bytes of nibbles     sums +=    1 or 2 KB
 * </pre>
 *
 * <p>The processor reads ahead only so far of a stream of lines that lie in order, and less than it
 * takes to hide the memory's latency behind a loop that computes. Of four streams it reads four
 * times as far ahead, if each is visited often enough: up to some 1 KB a visit is as good as a
 * line, 4 KB are as bad as one stream. More streams are worse, since lines of all tiles fall on the
 * same sets of the first-level cache.
 */
final class TileGroup {
  private TileGroup() {}

  /** Whether this is the loop for a layout, on this machine. */
  static boolean takes(TileLayout layout) {
    return PARTS == 2
        && RawMemory.isAvailable()
        && switch (layout) {
          case Q8_0, Q4_0, HALF, BRAIN -> true;
          case FLOAT, Q4_K, Q6_K -> false;
        };
  }

  /** {@link Arithmetic#quantizedRow}. */
  static void products(
      WeightTiles w, int tile, int tiles, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    check(w, tile, tiles);
    Arrays.fill(out, outOffset, outOffset + tiles * ROWS, 0);
    try {
      add(w, tile, tiles, x, out, outOffset, s);
    } finally {
      Reference.reachabilityFence(w);
    }
  }

  /** {@link Arithmetic#product}. */
  static void products(
      WeightTiles w,
      int tile,
      int tiles,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s) {
    check(w, tile, tiles);
    Arrays.fill(out, outOffset, outOffset + tiles * ROWS, 0);
    try {
      for (int from = 0; from < w.inputs(); from += CHUNK) {
        add(w, tile, tiles, from, x, xOffset, out, outOffset, s);
      }
    } finally {
      Reference.reachabilityFence(w);
    }
  }

  private static void check(WeightTiles w, int tile, int tiles) {
    long bytes = tiles * w.layout().bytes(w.inputs());
    Objects.checkFromIndexSize(w.start(tile, 0), bytes, w.data().byteSize());
  }

  private static void add(
      WeightTiles w,
      int tile,
      int tiles,
      int from,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s) {
    int n = Math.min(CHUNK, w.inputs() - from);
    boolean halves = w.layout() == TileLayout.HALF;
    float[] scaled = s.inputs();
    boolean finite = !halves || ElementTiles.scaleInputs(x, xOffset + from, n, scaled);
    if (!finite || n % ElementRow.INPUTS != 0) {
      for (int t = 0; t < tiles; t++) {
        int to = outOffset + t * ROWS;
        VectorTiles.addChunk(w, tile + t, from, n, finite ? scaled : null, x, xOffset, out, to, s);
      }
      return;
    }
    float[] sums = s.groupSums();
    Arrays.fill(sums, 0, tiles * ROWS, 0);
    long first = w.data().address() + w.start(tile, from);
    long tileBytes = w.layout().bytes(w.inputs());
    if (halves) {
      ElementRow.halves(first, tileBytes, tiles, n, scaled, 0, sums);
    } else {
      ElementRow.brainFloats(first, tileBytes, tiles, n, x, xOffset + from, sums);
    }
    for (int i = 0; i < tiles * ROWS; i++) {
      out[outOffset + i] += sums[i];
    }
  }

  private static void add(
      WeightTiles w, int tile, int tiles, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    TileLayout layout = w.layout();
    long first = w.start(tile, 0);
    long tileBytes = layout.bytes(w.inputs());
    for (int from = 0; from < w.inputs(); from += CHUNK) {
      int n = Math.min(CHUNK, w.inputs() - from);
      int leading = layout.leadingScales(n);
      // All at once: they lie in another order than that in which they are used.
      for (int t = 0; t < tiles; t++) {
        s.sink(Lanes.touch(w.data(), w.start(tile + t, from), leading));
      }
      long chunk = w.data().address() + first + layout.bytes(from);
      long half = (long) layout.lines(n) * LINE;
      int factor = x.factor(0, from);
      int block = from / QuantizedRows.BLOCK;
      int blocks = n / QuantizedRows.BLOCK;
      for (int row = 0; row < ROWS; row += ROWS / 2) {
        long words = chunk + leading + (row == 0 ? 0 : half);
        long scales = chunk + 2L * row;
        int to = outOffset + row;
        if (layout == TileLayout.Q8_0) {
          short shift = (short) s.byteShift();
          Q8Row.add(words, scales, tileBytes, tiles, blocks, x, factor, block, shift, out, to);
        } else {
          short shift = (short) s.nibbleShift();
          Q4Blocks.add(words, scales, tileBytes, tiles, blocks, x, factor, block, shift, out, to);
        }
      }
    }
  }
}
