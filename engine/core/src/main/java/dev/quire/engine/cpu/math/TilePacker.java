package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Lays weight rows out as {@link WeightTiles}. Plain loops over arrays, because they run once, at
 * start, when little is compiled. One thread's.
 */
final class TilePacker {
  /** Inputs that are written together: what they fill of a tile stays in the first-level cache. */
  private static final int STRIP = 32;

  /** Blocks of 32 inputs of a chunk. */
  private static final int BLOCKS = CHUNK / 32;

  private byte[] source = {};
  private byte[] target = {};

  /**
   * Packs one tile.
   *
   * @return false if a half in it is infinite or not a number: then the matrix can't be packed
   */
  boolean pack(Matrix matrix, TileLayout layout, int tile, MemorySegment data) {
    int row = Math.toIntExact(matrix.rowBytes());
    int rows = Math.min(ROWS, matrix.outputs() - tile * ROWS);
    int bytes = Math.toIntExact(layout.bytes(matrix.inputs()));
    if (source.length < rows * row) {
      source = new byte[ROWS * row];
    }
    if (target.length < bytes) {
      target = new byte[bytes];
    }
    MemorySegment.copy(
        matrix.data(), ValueLayout.JAVA_BYTE, (long) tile * ROWS * row, source, 0, rows * row);
    if (rows < ROWS) {
      Arrays.fill(target, 0, bytes, (byte) 0);
    }
    boolean finite =
        switch (layout) {
          case FLOAT -> elements(rows, row, Float.BYTES);
          case HALF -> elements(rows, row, Short.BYTES) && halvesFinite(0, bytes);
          case BRAIN -> elements(rows, row, Short.BYTES);
          case Q8_0 -> q8(rows, row, matrix.inputs());
          case Q4_0 -> q4(rows, row, matrix.inputs());
          case Q4_K -> q4k(rows, row, matrix.inputs());
          case Q6_K -> q6k(rows, row, matrix.inputs());
        };
    MemorySegment.copy(target, 0, data, ValueLayout.JAVA_BYTE, tile * (long) bytes, bytes);
    return finite;
  }

  private boolean elements(int rows, int rowBytes, int size) {
    for (int strip = 0; strip < rowBytes; strip += STRIP * size) {
      int end = Math.min(rowBytes, strip + STRIP * size);
      for (int r = 0; r < rows; r++) {
        int place = size == Short.BYTES ? WeightTiles.place(r, 1) : r * size;
        int to = strip * ROWS + place;
        int row = r * rowBytes;
        for (int i = strip; i < end; i += size, to += ROWS * size) {
          for (int b = 0; b < size; b++) {
            target[to + b] = source[row + i + b];
          }
        }
      }
    }
    return true;
  }

  private boolean q8(int rows, int rowBytes, int inputs) {
    boolean finite = true;
    for (int block = 0; block < inputs / 32; block++) {
      int inChunk = block % BLOCKS;
      int chunk = (block - inChunk) * 34 * ROWS;
      int n = Math.min(CHUNK, inputs - (block - inChunk) * 32);
      int scales = chunk + inChunk * 2 * ROWS;
      int words = chunk + TileLayout.Q8_0.leadingScales(n);
      for (int r = 0; r < rows; r++) {
        int from = r * rowBytes + block * 34;
        finite &= half(from, scales, r);
        levels(from + 2, words + inChunk * 16 * LINE + WeightTiles.place(r, n / 2));
      }
    }
    return finite;
  }

  /** The 32 levels of a row's block of Q8_0. */
  private void levels(int from, int to) {
    byte[] s = source;
    byte[] t = target;
    for (int i = from, at = to; i < from + 32; i += 2, at += LINE) {
      t[at] = (byte) (s[i] ^ 0x80);
      t[at + 1] = s[i + 1];
    }
  }

  private void column(int from, int to, int n) {
    byte[] s = source;
    byte[] t = target;
    for (int i = 0, at = to; i < n; i++, at += ROWS) {
      t[at] = s[from + i];
    }
  }

  /** Copies a half to its row's place in an array of 64; says whether it is finite. */
  private boolean half(int from, int to, int row) {
    target[to + 2 * row] = source[from];
    target[to + 2 * row + 1] = source[from + 1];
    return (source[from + 1] & 0x7C) != 0x7C;
  }

  private boolean halvesFinite(int from, int bytes) {
    boolean finite = true;
    for (int i = from; i < from + bytes; i += 2) {
      finite &= (target[i + 1] & 0x7C) != 0x7C;
    }
    return finite;
  }

  private boolean q4(int rows, int rowBytes, int inputs) {
    boolean finite = true;
    for (int block = 0; block < inputs / 32; block++) {
      int inChunk = block % BLOCKS;
      int chunk = (block - inChunk) * 18 * ROWS;
      int n = Math.min(CHUNK, inputs - (block - inChunk) * 32);
      int scales = chunk + inChunk * 2 * ROWS;
      int words = chunk + TileLayout.Q4_0.leadingScales(n);
      for (int r = 0; r < rows; r++) {
        int from = r * rowBytes + block * 18;
        finite &= half(from, scales, r);
        // In the file a byte has the inputs i and i + 16.
        int place = words + inChunk * 8 * LINE + WeightTiles.place(r, n / 4);
        fours(from + 2, 0, place, 16);
        fours(from + 2, 4, place + 4 * LINE, 16);
      }
    }
    return finite;
  }

  /** One nibble each of {@code n} bytes, as {@code n / 4} half words. */
  private void fours(int from, int shift, int to, int n) {
    byte[] s = source;
    byte[] t = target;
    for (int i = from, at = to; i < from + n; i += 4, at += LINE) {
      t[at] = (byte) (((s[i] >> shift) & 15) | (((s[i + 1] >> shift) & 15) << 4));
      t[at + 1] = (byte) (((s[i + 2] >> shift) & 15) | (((s[i + 3] >> shift) & 15) << 4));
    }
  }

  /** One nibble each of {@code n} bytes, as {@code n / 2} pairs. */
  private void pairs(int from, int shift, int to, int n) {
    byte[] s = source;
    byte[] t = target;
    for (int i = from, at = to; i < from + n; i += 2, at += ROWS) {
      t[at] = (byte) (((s[i] >> shift) & 15) | (((s[i + 1] >> shift) & 15) << 4));
    }
  }

  private boolean q4k(int rows, int rowBytes, int inputs) {
    boolean finite = true;
    for (int block = 0; block < inputs / 256; block++) {
      int to = block * TileLayout.Q4_K.blockBytes();
      int scales = to + 128 * ROWS;
      int halves = scales + 16 * ROWS;
      for (int r = 0; r < rows; r++) {
        int from = r * rowBytes + block * 144;
        finite &= half(from, halves, r);
        finite &= half(from + 2, halves + 2 * ROWS, r);
        for (int sub = 0; sub < 8; sub++) {
          target[scales + sub * ROWS + r] = (byte) scale(from + 4, sub);
          target[scales + (8 + sub) * ROWS + r] = (byte) minimum(from + 4, sub);
          int place = to + sub * 8 * LINE + WeightTiles.place(r, CHUNK / 4);
          fours(from + 16 + sub / 2 * 32, sub % 2 * 4, place, 32);
        }
      }
    }
    return finite;
  }

  /** Six bits of twelve bytes: eight scales and eight minima (ggml's Q4_K). */
  private int scale(int at, int sub) {
    return sub < 4
        ? source[at + sub] & 63
        : (source[at + sub + 4] & 15) | (((source[at + sub - 4] >> 6) & 3) << 4);
  }

  private int minimum(int at, int sub) {
    return sub < 4
        ? source[at + sub + 4] & 63
        : ((source[at + sub + 4] >> 4) & 15) | (((source[at + sub] >> 6) & 3) << 4);
  }

  private boolean q6k(int rows, int rowBytes, int inputs) {
    boolean finite = true;
    for (int block = 0; block < inputs / 256; block++) {
      int to = block * TileLayout.Q6_K.blockBytes();
      int uppers = to + 128 * ROWS;
      int scales = uppers + 64 * ROWS;
      for (int r = 0; r < rows; r++) {
        int from = r * rowBytes + block * 210;
        finite &= half(from + 208, scales + 16 * ROWS, r);
        column(from + 192, scales + r, 16);
        for (int run = 0; run < 8; run++) { // of 32 inputs
          int lows = from + run / 4 * 64 + run % 2 * 32;
          pairs(lows, run % 4 / 2 * 4, to + run * 16 * ROWS + r, 32);
          upperBits(from + 128 + run / 4 * 32, run % 4 * 2, uppers + run * 8 * ROWS + r);
        }
      }
    }
    return finite;
  }

  private void upperBits(int from, int shift, int to) {
    byte[] s = source;
    byte[] t = target;
    for (int i = from, at = to; i < from + 32; i += 4, at += ROWS) {
      t[at] =
          (byte)
              (((s[i] >> shift) & 3)
                  | (((s[i + 1] >> shift) & 3) << 2)
                  | (((s[i + 2] >> shift) & 3) << 4)
                  | (((s[i + 3] >> shift) & 3) << 6));
    }
  }
}
