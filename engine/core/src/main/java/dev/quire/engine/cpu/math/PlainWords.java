package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Products of Q8_0 and Q4_0 with quantised rows by loops that C2 makes vectors of by itself: a
 * third as fast as {@link VectorTiles}, and compiled in a tenth of the time. What the first tokens
 * of a process are computed with.
 *
 * <pre>
 *   a line of each tile        tile 0, rows 0–31 | tile 0, rows 32–63 | tile 1, rows 0–31 | …
 *   side by side           -   16 words           16 words             16 words
 *                          │
 *                          └ nothing: the turn that C2 does before those in vectors
 *   low  += of each word's lower half, input by input       rows 0–15,  32–47, …
 *   high += of its upper half                               rows 16–31, 48–63, …
 * </pre>
 *
 * <p>Words are ints and sums are floats, which never lie in the same array: C2 needs to know that
 * to make vectors. Its loops take their first turn alone, so that is one of no use, and the others
 * fill vectors.
 */
final class PlainWords {
  /** Tiles side by side: the loops are a fifth faster than over the four of a single row. */
  static final int MOST_TILES = 8;

  /** Rows of input that share a copy of the words. */
  private static final int MOST_ROWS = 8;

  private static final int BLOCK = QuantizedRows.BLOCK;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Words of a line, which are as many rows of the lower halves, and of the upper. */
  private static final int WORDS = 16;

  private static final int LENGTH = 1 + MOST_TILES * 2 * WORDS;

  private final int[] words = new int[MOST_TILES * CHUNK / 2 * 2 * WORDS];
  private final int[] line = new int[LENGTH];
  private final short[] scales = new short[MOST_TILES * CHUNK / BLOCK * ROWS];
  private final short[] lowScales = new short[LENGTH];
  private final short[] highScales = new short[LENGTH];
  private final float[][] low = new float[MOST_ROWS][LENGTH];
  private final float[][] high = new float[MOST_ROWS][LENGTH];
  private final float[][] lowTotals = new float[MOST_ROWS][LENGTH];
  private final float[][] highTotals = new float[MOST_ROWS][LENGTH];

  /** Whether weights of a layout can be multiplied. */
  static boolean takes(TileLayout layout) {
    return layout == TileLayout.Q8_0 || layout == TileLayout.Q4_0;
  }

  /**
   * As {@link Arithmetic#quantizedProducts}, of neighbouring tiles.
   *
   * @param tiles up to {@value #MOST_TILES}
   */
  void products(
      WeightTiles w,
      int tile,
      int tiles,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride) {
    for (int row = 0; row < x.rows(); row += MOST_ROWS) {
      int rows = Math.min(MOST_ROWS, x.rows() - row);
      for (int r = 0; r < rows; r++) {
        Arrays.fill(lowTotals[r], 0);
        Arrays.fill(highTotals[r], 0);
      }
      for (int from = 0; from < w.inputs(); from += CHUNK) {
        chunk(w, tile, tiles, from, x, row, rows);
      }
      for (int r = 0; r < rows; r++) {
        int to = outOffset + (row + r) * outStride;
        for (int half = 0; half < 2 * tiles; half++, to += 2 * WORDS) {
          System.arraycopy(lowTotals[r], 1 + half * WORDS, out, to, WORDS);
          System.arraycopy(highTotals[r], 1 + half * WORDS, out, to + WORDS, WORDS);
        }
      }
    }
  }

  private void chunk(
      WeightTiles w, int tile, int tiles, int from, QuantizedRows x, int row, int rows) {
    int n = Math.min(CHUNK, w.inputs() - from);
    int lines = w.layout().lines(n);
    int scalesOfTile = n / BLOCK * ROWS;
    int wordsOfTile = 2 * lines * WORDS;
    for (int t = 0; t < tiles; t++) {
      long at = w.start(tile + t, from);
      MemorySegment.copy(w.data(), SHORT, at, scales, t * scalesOfTile, scalesOfTile);
      MemorySegment.copy(
          w.data(), INT, w.offset(tile + t, from), words, t * wordsOfTile, wordsOfTile);
    }
    int length = 1 + 2 * tiles * WORDS;
    int linesOfBlock = w.layout().lines(BLOCK);
    boolean nibbles = w.layout().hasNibbles();
    for (int b = 0; b < n / BLOCK; b++) {
      int input = row * x.inputs() + from + b * BLOCK;
      for (int l = 0; l < linesOfBlock; l++) {
        int first = (b * linesOfBlock + l) * WORDS;
        for (int half = 0; half < 2 * tiles; half++) {
          System.arraycopy(words, first + half * lines * WORDS, line, 1 + half * WORDS, WORDS);
        }
        if (nibbles) {
          nibbles(length, x, input + 4 * l, rows);
        } else {
          bytes(length, x, input + 2 * l, rows);
        }
      }
      for (int half = 0; half < 2 * tiles; half++) {
        int at = half / 2 * scalesOfTile + b * ROWS + half % 2 * 2 * WORDS;
        System.arraycopy(scales, at, lowScales, 1 + half * WORDS, WORDS);
        System.arraycopy(scales, at + WORDS, highScales, 1 + half * WORDS, WORDS);
      }
      for (int r = 0; r < rows; r++) {
        float d = x.scales()[(input + r * x.inputs()) / BLOCK];
        addScaled(length, low[r], lowScales, d, lowTotals[r]);
        addScaled(length, high[r], highScales, d, highTotals[r]);
      }
    }
  }

  private void bytes(int length, QuantizedRows x, int input, int rows) {
    float[] levels = x.floats();
    int next = x.inputs();
    int r = 0;
    int i = input;
    for (; r + 2 <= rows; r += 2, i += 2 * next) {
      int j = i + next;
      addBytes(
          length,
          line,
          levels[i],
          levels[i + 1],
          levels[j],
          levels[j + 1],
          low[r],
          high[r],
          low[r + 1],
          high[r + 1]);
    }
    if (r < rows) {
      addBytes(length, line, levels[i], levels[i + 1], low[r], high[r]);
    }
  }

  /** Of a half, the lower byte has 128 added, and the upper is signed. */
  private static void addBytes(
      int length, int[] line, float x0, float x1, float[] low, float[] high) {
    for (int i = 0; i < length; i++) {
      int w = line[i];
      float a = (w & 0xFF) - 128;
      float b = w << 16 >> 24;
      float c = (w >> 16 & 0xFF) - 128;
      float d = w >> 24;
      low[i] = Math.fma(b, x1, Math.fma(a, x0, low[i]));
      high[i] = Math.fma(d, x1, Math.fma(c, x0, high[i]));
    }
  }

  /** Two rows share what is made of the words. */
  private static void addBytes(
      int length,
      int[] line,
      float x0,
      float x1,
      float y0,
      float y1,
      float[] low,
      float[] high,
      float[] low2,
      float[] high2) {
    for (int i = 0; i < length; i++) {
      int w = line[i];
      float a = (w & 0xFF) - 128;
      float b = w << 16 >> 24;
      float c = (w >> 16 & 0xFF) - 128;
      float d = w >> 24;
      low[i] = Math.fma(b, x1, Math.fma(a, x0, low[i]));
      high[i] = Math.fma(d, x1, Math.fma(c, x0, high[i]));
      low2[i] = Math.fma(b, y1, Math.fma(a, y0, low2[i]));
      high2[i] = Math.fma(d, y1, Math.fma(c, y0, high2[i]));
    }
  }

  private void nibbles(int length, QuantizedRows x, int input, int rows) {
    float[] levels = x.floats();
    int i = input;
    for (int r = 0; r < rows; r++, i += x.inputs()) {
      addNibbles(
          length, line, levels[i], levels[i + 1], levels[i + 2], levels[i + 3], low[r], high[r]);
    }
  }

  /** A nibble is a level and 8. */
  private static void addNibbles(
      int length, int[] line, float x0, float x1, float x2, float x3, float[] low, float[] high) {
    for (int i = 0; i < length; i++) {
      int w = line[i];
      float a = Math.fma((w & 15) - 8, x0, low[i]);
      a = Math.fma((w >> 4 & 15) - 8, x1, a);
      a = Math.fma((w >> 8 & 15) - 8, x2, a);
      low[i] = Math.fma((w >> 12 & 15) - 8, x3, a);
      float b = Math.fma((w >> 16 & 15) - 8, x0, high[i]);
      b = Math.fma((w >> 20 & 15) - 8, x1, b);
      b = Math.fma((w >> 24 & 15) - 8, x2, b);
      high[i] = Math.fma((w >>> 28) - 8, x3, b);
    }
  }

  private static void addScaled(int length, float[] sums, short[] scales, float d, float[] totals) {
    for (int i = 0; i < length; i++) {
      totals[i] = Math.fma(sums[i], Float.float16ToFloat(scales[i]) * d, totals[i]);
      sums[i] = 0;
    }
  }
}
