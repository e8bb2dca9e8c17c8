package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;

/**
 * A weight matrix laid out for the vector loops: tiles of 64 rows, each stored by its {@link
 * TileLayout}.
 *
 * <pre>
 *            inputs, in chunks of 256
 *            ┌───────────┬───────────┬──
 *   tile 0   │ 64 rows   │           │      one tile after the other in memory;
 *            ├───────────┼───────────┼──    a lane of a vector is a row, so a row's sum
 *   tile 1   │           │           │      never crosses lanes
 * </pre>
 *
 * <p>The sum of a row is defined for all widths, batches and teams alike: within a chunk of 256
 * inputs by fused multiply-adds in ascending order from zero, then the chunks' sums in ascending
 * order from zero.
 *
 * @param data the tiles, and {@link #PADDING} bytes that loads may touch
 */
record WeightTiles(TileLayout layout, int outputs, int inputs, MemorySegment data) {
  /** Rows of a tile: four vectors of 512 bits. */
  static final int ROWS = 64;

  /** Inputs of a chunk. */
  static final int CHUNK = 256;

  /**
   * Bytes behind the last tile: a line, and as many as the scales of a chunk take, for loops that
   * read ahead a chunk's bytes from its words on.
   */
  static final int PADDING = 64 + CHUNK / 32 * ROWS * Short.BYTES;

  /** Bytes of the words of 32 rows that belong to the same inputs. */
  static final int LINE = 64;

  /**
   * Where a row's first two bytes of words are.
   *
   * @param lines of 64 bytes that each half of the rows has
   */
  static int place(int row, int lines) {
    return row / 32 * lines * LINE + row % 16 * 4 + row % 32 / 16 * 2;
  }

  int tiles() {
    return Math.ceilDiv(outputs, ROWS);
  }

  /**
   * Where the words or elements of a tile's chunk start, or else the chunk.
   *
   * @param input a multiple of 256, or where there are no scales before words, of a block
   */
  long offset(int tile, int input) {
    return start(tile, input) + layout.leadingScales(Math.min(CHUNK, inputs - input));
  }

  /** Where a tile's chunk or block starts: with its scales, where these come before the words. */
  long start(int tile, int input) {
    return tile * layout.bytes(inputs) + layout.bytes(input);
  }

  /** Bytes that a matrix takes in a layout, the padding included. */
  static long bytes(TileLayout layout, int outputs, int inputs) {
    return Math.ceilDiv(outputs, ROWS) * layout.bytes(inputs) + PADDING;
  }
}
