package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
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
 * it else has before and after. All but scales is {@linkplain RawMemory memory without bounds},
 * since for arrays it checks a dozen indices a block.
 *
 * <p>A turn is four inputs. Else seven of its instructions move on two addresses, and with sixteen
 * others the processor takes in no more than the multiply-adds can use. What keeps C2 from loading
 * all inputs of a turn first, for which there are no registers, is a fence between them. It is no
 * instruction.
 */
final class BytePanel {
  private static final int BLOCK = QuantizedRows.BLOCK;

  /** Most rows of a tile. */
  static final int MOST_ROWS = 4;

  /** Bytes of a panel for an input: two vectors. */
  private static final int STEP = 2 * WIDTH * Float.BYTES;

  /** Bytes of a vector. */
  private static final int VECTOR = WIDTH * Float.BYTES;

  /** Bytes of the panel of a chunk. */
  static final int BYTES = WeightTiles.CHUNK * STEP;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private BytePanel() {}

  /**
   * The levels of one vector of words: {@code [32 · blocks][2][WIDTH]}, rows {@code j} and {@code j
   * + 16}.
   *
   * @param words address of the first
   * @param panel address of the first level
   */
  static void levels(long words, int blocks, long panel) {
    for (int block = 0; block < blocks; block++) {
      long from = (words + block * (long) (BLOCK / 2 * LINE)) & RawMemory.MASK;
      long to = (panel + block * (long) (BLOCK * STEP)) & RawMemory.MASK;
      for (int i = 0; i < BLOCK / 2; i++) {
        IntVector v =
            IntVector.fromMemorySegment(INTS, RawMemory.ALL, from + i * (long) LINE, ORDER)
                .lanewise(VectorOperators.XOR, 0x00800080);
        long at = to + i * 2L * STEP;
        store(v.lanewise(VectorOperators.LSHL, 24), at);
        store(v.lanewise(VectorOperators.LSHL, 8), at + VECTOR);
        store(v.lanewise(VectorOperators.LSHL, 16), at + STEP);
        store(v, at + STEP + VECTOR);
      }
    }
  }

  private static void store(IntVector top, long at) {
    Lanes.floats(top.lanewise(VectorOperators.ASHR, 24))
        .intoMemorySegment(RawMemory.ALL, at, ORDER);
  }

  /**
   * Adds the products of some rows, block by block.
   *
   * @param panel address of its levels
   * @param x address of the rows' levels interleaved, {@code [32 · blocks][rows]}
   * @param rows 1, 2 or 4
   * @param scales of the weights, {@code [block][64]}
   * @param row which of the 64 the panel's first is
   * @param inputScales of the first row from {@code inputScale} on, and {@code scaleStride} further
   *     of the next
   * @param totals address of {@code [rows][2][WIDTH]}
   * @param ahead what is read meanwhile, by a tile of four rows
   */
  static void add(
      long panel,
      int blocks,
      long x,
      int rows,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      int scaleStride,
      long totals,
      ReadAhead ahead) {
    switch (rows) {
      case 4 -> {
        long line = ahead.at();
        long step = ahead.step();
        add4(
            panel,
            blocks,
            x,
            scales,
            row,
            inputScales,
            inputScale,
            scaleStride,
            totals,
            line,
            step,
            ahead.sink());
        ahead.advance(blocks);
      }
      case 2 -> add2(panel, blocks, x, scales, row, inputScales, inputScale, scaleStride, totals);
      case 1 -> add1(panel, blocks, x, scales, row, inputScales, inputScale, totals);
      default -> throw new IllegalArgumentException("no tile of " + rows + " rows");
    }
  }

  private static void add4(
      long panel,
      int blocks,
      long x,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      int scaleStride,
      long totals,
      long ahead,
      long aheadStep,
      long sink) {
    long total = totals & RawMemory.MASK;
    long sunk = sink & RawMemory.MASK;
    for (int block = 0; block < blocks; block++) {
      long line = (ahead + block * aheadStep) & RawMemory.MASK;
      FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, line, ORDER)
          .intoMemorySegment(RawMemory.ALL, sunk, ORDER);
      FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, line + LINE, ORDER)
          .intoMemorySegment(RawMemory.ALL, sunk, ORDER);
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector b0 = a0;
      FloatVector a1 = a0;
      FloatVector b1 = a0;
      FloatVector a2 = a0;
      FloatVector b2 = a0;
      FloatVector a3 = a0;
      FloatVector b3 = a0;
      long weights = (panel + block * (long) (BLOCK * STEP)) & RawMemory.MASK;
      long inputs = (x + block * (long) (BLOCK * 4 * Float.BYTES)) & RawMemory.MASK;
      for (int k = 0; k < BLOCK; k += 2) {
        long at = weights + k * (long) STEP;
        long in = inputs + k * 16L;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at + VECTOR, ORDER);
        FloatVector u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in));
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 4));
        a1 = a.fma(u, a1);
        b1 = b.fma(u, b1);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 8));
        a2 = a.fma(u, a2);
        b2 = b.fma(u, b2);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 12));
        a3 = a.fma(u, a3);
        b3 = b.fma(u, b3);

        VarHandle.loadLoadFence();
        a = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at + STEP, ORDER);
        b = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at + STEP + VECTOR, ORDER);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 16));
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 20));
        a1 = a.fma(u, a1);
        b1 = b.fma(u, b1);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 24));
        a2 = a.fma(u, a2);
        b2 = b.fma(u, b2);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 28));
        a3 = a.fma(u, a3);
        b3 = b.fma(u, b3);
      }
      FloatVector a = FloatVector.fromArray(FLOATS, scales, block * ROWS + row);
      FloatVector b = FloatVector.fromArray(FLOATS, scales, block * ROWS + row + 16);
      int input = inputScale + block;
      FloatVector u = FloatVector.broadcast(FLOATS, inputScales[input]);
      a0.fma(a.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total, ORDER))
          .intoMemorySegment(RawMemory.ALL, total, ORDER);
      b0.fma(b.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + VECTOR, ORDER);
      u = FloatVector.broadcast(FLOATS, inputScales[input + scaleStride]);
      a1.fma(a.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + STEP, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + STEP, ORDER);
      b1.fma(
              b.mul(u),
              FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + STEP + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + STEP + VECTOR, ORDER);
      u = FloatVector.broadcast(FLOATS, inputScales[input + 2 * scaleStride]);
      a2.fma(
              a.mul(u),
              FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + 2 * STEP, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + 2 * STEP, ORDER);
      b2.fma(
              b.mul(u),
              FloatVector.fromMemorySegment(
                  FLOATS, RawMemory.ALL, total + 2 * STEP + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + 2 * STEP + VECTOR, ORDER);
      u = FloatVector.broadcast(FLOATS, inputScales[input + 3 * scaleStride]);
      a3.fma(
              a.mul(u),
              FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + 3 * STEP, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + 3 * STEP, ORDER);
      b3.fma(
              b.mul(u),
              FloatVector.fromMemorySegment(
                  FLOATS, RawMemory.ALL, total + 3 * STEP + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + 3 * STEP + VECTOR, ORDER);
    }
  }

  private static void add2(
      long panel,
      int blocks,
      long x,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      int scaleStride,
      long totals) {
    long total = totals & RawMemory.MASK;
    for (int block = 0; block < blocks; block++) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector b0 = a0;
      FloatVector a1 = a0;
      FloatVector b1 = a0;
      long weights = (panel + block * (long) (BLOCK * STEP)) & RawMemory.MASK;
      long inputs = (x + block * (long) (BLOCK * 2 * Float.BYTES)) & RawMemory.MASK;
      for (int k = 0; k < BLOCK; k += 1) {
        long at = weights + k * (long) STEP;
        long in = inputs + k * 8L;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at + VECTOR, ORDER);
        FloatVector u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in));
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
        u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in + 4));
        a1 = a.fma(u, a1);
        b1 = b.fma(u, b1);
      }
      FloatVector a = FloatVector.fromArray(FLOATS, scales, block * ROWS + row);
      FloatVector b = FloatVector.fromArray(FLOATS, scales, block * ROWS + row + 16);
      int input = inputScale + block;
      FloatVector u = FloatVector.broadcast(FLOATS, inputScales[input]);
      a0.fma(a.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total, ORDER))
          .intoMemorySegment(RawMemory.ALL, total, ORDER);
      b0.fma(b.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + VECTOR, ORDER);
      u = FloatVector.broadcast(FLOATS, inputScales[input + scaleStride]);
      a1.fma(a.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + STEP, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + STEP, ORDER);
      b1.fma(
              b.mul(u),
              FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + STEP + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + STEP + VECTOR, ORDER);
    }
  }

  private static void add1(
      long panel,
      int blocks,
      long x,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      long totals) {
    long total = totals & RawMemory.MASK;
    for (int block = 0; block < blocks; block++) {
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector b0 = a0;
      long weights = (panel + block * (long) (BLOCK * STEP)) & RawMemory.MASK;
      long inputs = (x + block * (long) (BLOCK * 1 * Float.BYTES)) & RawMemory.MASK;
      for (int k = 0; k < BLOCK; k += 1) {
        long at = weights + k * (long) STEP;
        long in = inputs + k * 4L;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, at + VECTOR, ORDER);
        FloatVector u = FloatVector.broadcast(FLOATS, RawMemory.ALL.get(FLOAT, in));
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
      }
      FloatVector a = FloatVector.fromArray(FLOATS, scales, block * ROWS + row);
      FloatVector b = FloatVector.fromArray(FLOATS, scales, block * ROWS + row + 16);
      int input = inputScale + block;
      FloatVector u = FloatVector.broadcast(FLOATS, inputScales[input]);
      a0.fma(a.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total, ORDER))
          .intoMemorySegment(RawMemory.ALL, total, ORDER);
      b0.fma(b.mul(u), FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, total + VECTOR, ORDER))
          .intoMemorySegment(RawMemory.ALL, total + VECTOR, ORDER);
    }
  }
}
