package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/**
 * Chooses the loops for products of a tile with quantised rows: words as they lie, where these are
 * few; else the panels of the vectors' width.
 *
 * <pre>
 *   for 128 rows            their part of x stays in the second-level cache
 *     for a chunk
 *       for vectors of words    decoded or laid down: half of the first-level cache
 *         for 4 rows
 *           totals +=           side by side, and put to their rows at the end
 * </pre>
 */
final class QuantizedTiles {
  /** Input rows that a panel is multiplied by before the next one. */
  private static final int ROW_BLOCK = 128;

  /** {@link Arithmetic#mostOfGroup}: with sixteen registers there are sums of four. */
  static final int MOST_OF_GROUP =
      PARTS > 1 && RawMemory.isAvailable() ? BytePanel.MOST_ROWS : Arithmetic.TILE_ROWS;

  private QuantizedTiles() {}

  /** {@link Arithmetic#multipliesWords}. */
  static boolean multipliesWords(boolean nibbles, int rows) {
    return nibbles ? PARTS > 1 || rows <= 64 : rows <= Arithmetic.FEW_ROWS;
  }

  /** {@link Arithmetic#quantizedProducts}. */
  static void products(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    if (!x.hasFactors()) {
      if (MOST_OF_GROUP == BytePanel.MOST_ROWS) {
        rawPanels(w, tile, x, x.rows(), out, outOffset, outStride, s);
      } else {
        wide(w, tile, x, out, outOffset, outStride, s);
      }
      return;
    }
    int quads = x.quadRows();
    if (PARTS > 1 && quads > 0) {
      if (w.layout() == TileLayout.Q4_0 && RawMemory.isAvailable()) {
        rawPanels(w, tile, x, quads, out, outOffset, outStride, s);
      } else {
        nibbles(w, tile, x, quads, out, outOffset, outStride, s);
      }
    } else {
      for (int r = 0; r < quads; r += Arithmetic.QUAD) {
        int to = outOffset + r * outStride;
        VectorTiles.quantizedProduct(w, tile, x, r, Arithmetic.QUAD, out, to, outStride, s);
      }
    }
    for (int r = quads; r < x.rows(); r++) {
      int to = outOffset + r * outStride;
      VectorTiles.quantizedProduct(w, tile, x, r, 1, out, to, outStride, s);
    }
  }

  private static void wide(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    int rows = x.rows();
    for (int r = 0; r < rows; r++) {
      Arrays.fill(out, outOffset + r * outStride, outOffset + r * outStride + ROWS, 0);
    }
    float[] panel = s.panel(CHUNK * ROWS);
    for (int from = 0; from < w.inputs(); from += CHUNK) {
      int n = Math.min(CHUNK, w.inputs() - from);
      VectorTiles.levels(w, tile, from, n, panel, s);
      for (int r = 0, group; r < rows; r += group) {
        group = x.group(r);
        int to = outOffset + r * outStride;
        VectorPanel.multiplyLevels(
            w.layout().hasMinima(), panel, n, x, r, from, group, out, to, outStride, s);
      }
    }
  }

  private static void rawPanels(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    Objects.checkFromIndexSize(w.start(tile, 0), w.layout().bytes(w.inputs()), w.data().byteSize());
    try {
      panelsByAddress(w, tile, x, rows, out, outOffset, outStride, s);
    } finally {
      Reference.reachabilityFence(w);
      Reference.reachabilityFence(x);
      Reference.reachabilityFence(s);
    }
  }

  private static void panelsByAddress(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    for (int first = 0; first < rows; first += ROW_BLOCK) {
      int some = Math.min(ROW_BLOCK, rows - first);
      long totals = s.totalsAddress(some * ROWS);
      clear(totals, some * ROWS);
      for (int from = 0; from < w.inputs(); from += CHUNK) {
        int n = Math.min(CHUNK, w.inputs() - from);
        if (w.layout().hasNibbles()) {
          VectorTiles.scales(w, tile, from, n, s);
          nibbles(w, tile, from, n, x, first, some, totals, s);
        } else {
          int blocks = ROWS / 2 / WIDTH * (some / 4) * (n / QuantizedRows.BLOCK);
          s.ahead().begin(w, tile, from, some, Math.max(1, blocks));
          VectorTiles.scales(w, tile, from, n, s);
          bytes(w, tile, from, n, x, first, some, totals, s);
        }
      }
      put(totals, some, out, outOffset + first * outStride, outStride);
    }
  }

  // Loops of their own: within the method above C2 made objects of their vectors.

  private static void clear(long totals, int floats) {
    for (int i = 0; i < floats; i += WIDTH) {
      FloatVector.zero(FLOATS).intoMemorySegment(RawMemory.ALL, place(totals, i), Lanes.ORDER);
    }
  }

  /** Totals {@code [vector of words][rows][2][WIDTH]} to their places. */
  private static void put(long totals, int rows, float[] out, int outOffset, int outStride) {
    int from = 0;
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      int to = outOffset + VectorTiles.row(word);
      for (int r = 0; r < rows; r++, to += outStride, from += 2 * WIDTH) {
        Lanes.floats(RawMemory.ALL, place(totals, from)).intoArray(out, to);
        Lanes.floats(RawMemory.ALL, place(totals, from + WIDTH)).intoArray(out, to + 16);
      }
    }
  }

  private static long place(long floats, int i) {
    return (floats + i * (long) Float.BYTES) & RawMemory.MASK;
  }

  private static void bytes(
      WeightTiles w,
      int tile,
      int from,
      int n,
      QuantizedRows x,
      int first,
      int rows,
      long totals,
      Scratch s) {
    long panel = s.bytePanel();
    long half = (long) w.layout().lines(n) * LINE;
    long chunk = w.data().address() + w.offset(tile, from);
    int blocks = n / QuantizedRows.BLOCK;
    int stride = w.inputs() / QuantizedRows.BLOCK;
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      BytePanel.levels(chunk + VectorTiles.words(word, half), blocks, panel);
      int to = word * 2 * rows;
      for (int r = 0, group; r < rows; r += group, to += group * 2 * WIDTH) {
        group = x.group(first + r);
        BytePanel.add(
            panel,
            blocks,
            place(x.interleavedAddress(), (first + r) * w.inputs() + from * group),
            group,
            s.scales(),
            VectorTiles.row(word),
            x.scales(),
            (first + r) * stride + from / QuantizedRows.BLOCK,
            stride,
            place(totals, to),
            s.ahead());
      }
    }
  }

  private static void nibbles(
      WeightTiles w,
      int tile,
      int from,
      int n,
      QuantizedRows x,
      int first,
      int rows,
      long totals,
      Scratch s) {
    long panel = s.nibblePanel();
    long sums = s.nibbleSums();
    long half = (long) w.layout().lines(n) * LINE;
    long chunk = w.data().address() + w.offset(tile, from);
    int blocks = n / QuantizedRows.BLOCK;
    int stride = w.inputs() / QuantizedRows.BLOCK;
    for (int word = 0; word < ROWS / 2; word += 2 * WIDTH) {
      long at = chunk + VectorTiles.words(word, half);
      long gap = VectorTiles.words(word + WIDTH, half) - VectorTiles.words(word, half);
      NibbleTile.lay(at, gap, blocks, (short) s.nibbleShift(), panel);
      for (int r = 0; r < rows; r += Arithmetic.QUAD) {
        int block = (first + r) * stride + from / QuantizedRows.BLOCK;
        int factor = x.factor(first + r, from);
        NibbleTile.sums(panel, blocks, x.factors(), factor, x.centres(), block, stride, sums);
        for (int t = 0; t < Arithmetic.QUAD; t++) {
          NibbleTile.add(
              sums + t * 2L * WIDTH * Float.BYTES,
              blocks,
              s.scales(),
              VectorTiles.row(word),
              x.scales(),
              block + t * stride,
              place(totals, (word * rows + (r + t) * WIDTH) * 2),
              2L * WIDTH * rows * Float.BYTES);
        }
      }
    }
  }

  private static void nibbles(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    for (int first = 0; first < rows; first += ROW_BLOCK) {
      int some = Math.min(ROW_BLOCK, rows - first);
      float[] totals = s.totals(some * ROWS);
      s.alignPanels();
      Arrays.fill(totals, 0, some * ROWS, 0);
      for (int from = 0; from < w.inputs(); from += CHUNK) {
        int n = Math.min(CHUNK, w.inputs() - from);
        VectorTiles.scales(w, tile, from, n, s);
        nibbles(w, tile, from, n, x, first, some, totals, s);
      }
      put(totals, some, out, outOffset + first * outStride, outStride);
    }
  }

  private static void nibbles(
      WeightTiles w,
      int tile,
      int from,
      int n,
      QuantizedRows x,
      int first,
      int rows,
      float[] totals,
      Scratch s) {
    MemorySegment data = w.data();
    short[] panel = s.shortPanel();
    int panelStart = s.shortPanelStart();
    short[] sums = s.runSums();
    int sumsStart = s.runSumsStart();
    long half = (long) w.layout().lines(n) * LINE;
    long chunk = w.offset(tile, from);
    for (int word = 0; word < ROWS / 2; word += 2 * WIDTH) {
      long at = chunk + VectorTiles.words(word, half);
      long gap = chunk + VectorTiles.words(word + WIDTH, half) - at;
      NibblePanel.lay(data, at, gap, n, s.nibbleShift(), panel, panelStart);
      for (int r = 0; r < rows; r += Arithmetic.QUAD) {
        int factor = x.factor(first + r, from);
        NibblePanel.sums(panel, panelStart, n / 16, x.factors(), factor, sums, sumsStart);
        for (int t = 0; t < Arithmetic.QUAD; t++) {
          int inputBlock = ((first + r + t) * w.inputs() + from) / QuantizedRows.BLOCK;
          for (int v = 0; v < 2; v++) {
            int row = VectorTiles.row(word + v * WIDTH);
            int to = ((word + v * WIDTH) * rows + (r + t) * WIDTH) * 2;
            int at0 = sumsStart + (2 * t + v) * 2 * WIDTH;
            addRuns(
                w.layout(), sums, at0, n / QuantizedRows.BLOCK, row, x, inputBlock, totals, to, s);
          }
        }
      }
    }
  }

  private static void addRuns(
      TileLayout layout,
      short[] sums,
      int from,
      int blocks,
      int row,
      QuantizedRows x,
      int inputBlock,
      float[] totals,
      int to,
      Scratch s) {
    if (layout.hasMinima()) {
      NibblePanel.addWithMinima(
          sums, from, blocks, s.scales(), s.minima(), row, x, inputBlock, totals, to);
    } else {
      int least = layout.leastLevel();
      NibblePanel.add(sums, from, blocks, least, s.scales(), row, x, inputBlock, totals, to);
    }
  }

  /** Totals {@code [vector of words][rows][2][WIDTH]} to their places. */
  private static void put(float[] totals, int rows, float[] out, int outOffset, int outStride) {
    int from = 0;
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      int to = outOffset + VectorTiles.row(word);
      for (int r = 0; r < rows; r++, to += outStride, from += 2 * WIDTH) {
        FloatVector.fromArray(FLOATS, totals, from).intoArray(out, to);
        FloatVector.fromArray(FLOATS, totals, from + WIDTH).intoArray(out, to + 16);
      }
    }
  }
}
