package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Levels of {@link TileLayout#Q8_0} by some quantised rows, for vectors that come with sixteen
 * registers. One vector of words at a time, that is two of rows, is decoded to a panel that leaves
 * half of the first-level cache free, and every group of rows passes over it:
 *
 * <pre>
 *                 x0  x1  x2  x3
 *   a, rows j     a0  a1  a2  a3       8 sums, 2 weights and 4 inputs of 16 registers, over a
 *   b, j + 16     b0  b1  b2  b3       block of 32 inputs; then scales, and on to the totals
 * </pre>
 *
 * <p>Lengths and steps of the loops over a block are constants: C2 then leaves the loops away that
 * it else has before and after, which take as long as the eight chains of sums can spare.
 */
final class BytePanel {
  private static final int BLOCK = QuantizedRows.BLOCK;

  /** Floats of a panel for an input. */
  private static final int STEP = 2 * WIDTH;

  private BytePanel() {}

  /**
   * The levels of one vector of words: {@code [n][2][WIDTH]}, rows {@code j} and {@code j + 16}.
   *
   * @param at where the words start
   * @param panelStart where in {@code panel} the first level goes
   */
  static void levels(MemorySegment data, long at, int n, float[] panel, int panelStart) {
    int to = panelStart;
    long words = at;
    for (int i = 0; i < n; i += 2, words += LINE, to += 2 * STEP) {
      IntVector v = Lanes.ints(data, words).lanewise(VectorOperators.XOR, 0x00800080);
      level(v.lanewise(VectorOperators.LSHL, 24)).intoArray(panel, to);
      level(v.lanewise(VectorOperators.LSHL, 16)).intoArray(panel, to + STEP);
      level(v.lanewise(VectorOperators.LSHL, 8)).intoArray(panel, to + WIDTH);
      level(v).intoArray(panel, to + STEP + WIDTH);
    }
  }

  private static FloatVector level(IntVector top) {
    return Lanes.floats(top.lanewise(VectorOperators.ASHR, 24));
  }

  /**
   * Adds the products of some rows, block by block.
   *
   * @param panelStart where in {@code panel} its levels start
   * @param x the rows' levels interleaved, {@code [32 · blocks][rows]} from {@code xOffset} on
   * @param rows 1, 2 or 4
   * @param scales of the weights, {@code [block][64]}
   * @param row which of the 64 the panel's first is
   * @param inputScales of the first row from {@code inputScale} on, and {@code scaleStride} further
   *     of the next
   * @param totals {@code [rows][2][WIDTH]} from {@code to} on
   * @param ahead what is read meanwhile, by a tile of four rows
   */
  static void add(
      float[] panel,
      int panelStart,
      int blocks,
      float[] x,
      int xOffset,
      int rows,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      int scaleStride,
      float[] totals,
      int to,
      ReadAhead ahead) {
    switch (rows) {
      case 4 ->
          ahead.advance(
              blocks,
              add4(
                  panel,
                  panelStart,
                  blocks,
                  x,
                  xOffset,
                  scales,
                  row,
                  inputScales,
                  inputScale,
                  scaleStride,
                  totals,
                  to,
                  ahead.data(),
                  ahead.at(),
                  ahead.step()));
      case 2 ->
          add2(
              panel,
              panelStart,
              blocks,
              x,
              xOffset,
              scales,
              row,
              inputScales,
              inputScale,
              scaleStride,
              totals,
              to);
      case 1 ->
          add1(
              panel,
              panelStart,
              blocks,
              x,
              xOffset,
              scales,
              row,
              inputScales,
              inputScale,
              totals,
              to);
      default -> throw new IllegalArgumentException("no tile of " + rows + " rows");
    }
  }

  private static int add4(
      float[] panel,
      int panelStart,
      int blocks,
      float[] x,
      int xOffset,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      int scaleStride,
      float[] totals,
      int to,
      MemorySegment data,
      long ahead,
      long aheadStep) {
    int at = panelStart;
    int from = xOffset;
    int read = 0;
    long line = ahead;
    for (int block = 0; block < blocks; block++, line += aheadStep) {
      read |= data.get(ReadAhead.INT, line) | data.get(ReadAhead.INT, line + LINE);
      FloatVector zero = FloatVector.zero(FLOATS);
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      FloatVector a1 = zero;
      FloatVector b1 = zero;
      FloatVector a2 = zero;
      FloatVector b2 = zero;
      FloatVector a3 = zero;
      FloatVector b3 = zero;
      for (int k = 0; k < BLOCK; k++, at += STEP, from += 4) {
        FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
        FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
        FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
        u = FloatVector.broadcast(FLOATS, x[from + 1]);
        a1 = a.fma(u, a1);
        b1 = b.fma(u, b1);
        u = FloatVector.broadcast(FLOATS, x[from + 2]);
        a2 = a.fma(u, a2);
        b2 = b.fma(u, b2);
        u = FloatVector.broadcast(FLOATS, x[from + 3]);
        a3 = a.fma(u, a3);
        b3 = b.fma(u, b3);
      }
      FloatVector a = FloatVector.fromArray(FLOATS, scales, block * ROWS + row);
      FloatVector b = FloatVector.fromArray(FLOATS, scales, block * ROWS + row + 16);
      int input = inputScale + block;
      FloatVector u = FloatVector.broadcast(FLOATS, inputScales[input]);
      a0.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to)).intoArray(totals, to);
      b0.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + WIDTH))
          .intoArray(totals, to + WIDTH);
      u = FloatVector.broadcast(FLOATS, inputScales[input + scaleStride]);
      a1.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to + STEP))
          .intoArray(totals, to + STEP);
      b1.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + STEP + WIDTH))
          .intoArray(totals, to + STEP + WIDTH);
      u = FloatVector.broadcast(FLOATS, inputScales[input + 2 * scaleStride]);
      a2.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to + 2 * STEP))
          .intoArray(totals, to + 2 * STEP);
      b2.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + 2 * STEP + WIDTH))
          .intoArray(totals, to + 2 * STEP + WIDTH);
      u = FloatVector.broadcast(FLOATS, inputScales[input + 3 * scaleStride]);
      a3.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to + 3 * STEP))
          .intoArray(totals, to + 3 * STEP);
      b3.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + 3 * STEP + WIDTH))
          .intoArray(totals, to + 3 * STEP + WIDTH);
    }
    return read;
  }

  private static void add2(
      float[] panel,
      int panelStart,
      int blocks,
      float[] x,
      int xOffset,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      int scaleStride,
      float[] totals,
      int to) {
    int at = panelStart;
    int from = xOffset;
    for (int block = 0; block < blocks; block++) {
      FloatVector zero = FloatVector.zero(FLOATS);
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      FloatVector a1 = zero;
      FloatVector b1 = zero;
      for (int k = 0; k < BLOCK; k++, at += STEP, from += 2) {
        FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
        FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
        FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
        u = FloatVector.broadcast(FLOATS, x[from + 1]);
        a1 = a.fma(u, a1);
        b1 = b.fma(u, b1);
      }
      FloatVector a = FloatVector.fromArray(FLOATS, scales, block * ROWS + row);
      FloatVector b = FloatVector.fromArray(FLOATS, scales, block * ROWS + row + 16);
      int input = inputScale + block;
      FloatVector u = FloatVector.broadcast(FLOATS, inputScales[input]);
      a0.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to)).intoArray(totals, to);
      b0.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + WIDTH))
          .intoArray(totals, to + WIDTH);
      u = FloatVector.broadcast(FLOATS, inputScales[input + scaleStride]);
      a1.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to + STEP))
          .intoArray(totals, to + STEP);
      b1.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + STEP + WIDTH))
          .intoArray(totals, to + STEP + WIDTH);
    }
  }

  private static void add1(
      float[] panel,
      int panelStart,
      int blocks,
      float[] x,
      int xOffset,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      float[] totals,
      int to) {
    int at = panelStart;
    int from = xOffset;
    for (int block = 0; block < blocks; block++) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector b0 = a0;
      for (int k = 0; k < BLOCK; k++, at += STEP, from++) {
        FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
        a0 = FloatVector.fromArray(FLOATS, panel, at).fma(u, a0);
        b0 = FloatVector.fromArray(FLOATS, panel, at + WIDTH).fma(u, b0);
      }
      FloatVector a = FloatVector.fromArray(FLOATS, scales, block * ROWS + row);
      FloatVector b = FloatVector.fromArray(FLOATS, scales, block * ROWS + row + 16);
      FloatVector u = FloatVector.broadcast(FLOATS, inputScales[inputScale + block]);
      a0.fma(a.mul(u), FloatVector.fromArray(FLOATS, totals, to)).intoArray(totals, to);
      b0.fma(b.mul(u), FloatVector.fromArray(FLOATS, totals, to + WIDTH))
          .intoArray(totals, to + WIDTH);
    }
  }
}
