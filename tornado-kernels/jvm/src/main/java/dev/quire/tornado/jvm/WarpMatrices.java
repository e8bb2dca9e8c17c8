package dev.quire.tornado.jvm;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * One lane's side of the matrix instructions, with the lane layout of PTX's {@code mma.sync} (PTX
 * ISA, "Matrix Fragments for mma.m16n8k16" and "m16n8k32"). With g = lane / 4 and t = lane % 4:
 *
 * <pre>
 *   A 16×16 (8 halves a lane)        B 16×8 (4 halves)         C, D 16×8 (4 floats)
 *          k 2t,2t+1   2t+8,2t+9          n g                        n 2t,2t+1
 *   row g    a0 a1      a4 a5      k 2t,2t+1    b0 b1      row g       c0 c1
 *   row g+8  a2 a3      a6 a7      k 2t+8,2t+9  b2 b3      row g+8     c2 c3
 * </pre>
 *
 * A product happens when the last lane of the warp comes to it; until then its result holds NaN.
 * Since fragments are opaque to a kernel, nobody can tell, and no lane ever waits.
 */
public final class WarpMatrices {
  private static final int ROWS = 16;
  private static final int COLUMNS = 8;
  private static final int A_ROW_INTS = 8;
  private static final int B_ROW_INTS = 4;
  private static final int ROW_INTS = 4;

  private final Warp warp;
  private final int lane;
  private final int g;
  private final int t;
  private final @Nullable GroupWatch watch;
  private long joint;

  WarpMatrices(Warp warp, int lane, @Nullable GroupWatch watch) {
    this.warp = warp;
    this.watch = watch;
    this.lane = lane;
    g = lane / 4;
    t = lane % 4;
  }

  /** A part of an accumulator. */
  public float[] fragment(float value) {
    return new float[] {value, value, value, value};
  }

  /** A part of an accumulator of ints. */
  public int[] fragmentInt(int value) {
    return new int[] {value, value, value, value};
  }

  /**
   * A part of a 16×16 tile of halves, pairs along k in one int. As {@code ldmatrix.x4} has it, each
   * lane gives the address of one row of 16 bytes: lanes 8m to 8m+7 those of the m-th 8×8 matrix.
   * With the same {@code byteOffset} in all lanes the tile has rows of 32 bytes; a lane may move
   * its row elsewhere with one of its own, so that the rows of a matrix lie in different banks.
   */
  public HalfFloat[] loadA(int[] tile, int depth, int byteOffset) {
    int matrix = lane / 8;
    int natural = (lane % 8 + 8 * (matrix & 1)) * A_ROW_INTS + (matrix >> 1) * ROW_INTS;
    int[] row = readRow(tile, depth, byteOffset, natural);
    HalfFloat[] part = new HalfFloat[8];
    Warp.Joint all = warp.arrive(lane, joint++, "mmaLoadA", row, part);
    if (all != null) {
      for (int to = 0; to < Warp.LANES; to++) {
        HalfFloat[] own = (HalfFloat[]) all.operand(to, 1);
        for (int m = 0; m < 4; m++) {
          int pair = ((int[]) all.operand(8 * m + to / 4, 0))[to % 4];
          own[2 * m] = Halves.of(pair);
          own[2 * m + 1] = Halves.of(pair >>> 16);
        }
      }
    }
    return part;
  }

  /**
   * A part of a 16×8 tile of halves, pairs along n in one int. As {@code ldmatrix.x2.trans} has it,
   * lane k of the first 16 gives the address of the tile's row k; rows of 16 bytes with the same
   * {@code byteOffset} in all lanes.
   */
  public HalfFloat[] loadB(int[] tile, int depth, int byteOffset) {
    int[] row = lane < ROWS ? readRow(tile, depth, byteOffset, lane * B_ROW_INTS) : new int[0];
    HalfFloat[] part = new HalfFloat[4];
    Warp.Joint all = warp.arrive(lane, joint++, "mmaLoadB", row, part);
    if (all != null) {
      for (int to = 0; to < Warp.LANES; to++) {
        HalfFloat[] own = (HalfFloat[]) all.operand(to, 1);
        int column = to / 4;
        for (int i = 0; i < 4; i++) {
          int k = 2 * (to % 4) + (i & 1) + 8 * (i >> 1);
          own[i] = Halves.of(((int[]) all.operand(k, 0))[column / 2] >>> 16 * (column & 1));
        }
      }
    }
    return part;
  }

  private int[] readRow(int[] tile, int depth, int byteOffset, int naturalInt) {
    if (depth != 16) {
      throw new IllegalArgumentException("a tile of depth " + depth + ", not 16");
    }
    if (byteOffset % 16 != 0) {
      throw new IllegalArgumentException(
          "a tile at byte " + byteOffset + ": its rows must lie at multiples of 16");
    }
    int start = naturalInt + byteOffset / 4;
    if (watch != null) {
      watch.loadRow(tile, start, ROW_INTS);
    }
    Objects.checkFromIndexSize(start, ROW_INTS, tile.length);
    return Arrays.copyOfRange(tile, start, start + ROW_INTS);
  }

  /** A part of a 16×32 tile of bytes, four along k in one int. */
  public byte[] loadABytes(int[] tile, int depth) {
    int base = start(tile, depth, 32, 0, ROWS * A_ROW_INTS);
    byte[] part = new byte[16];
    for (int i = 0; i < 16; i++) {
      int quad = read(tile, base + (g + 8 * (i >> 2 & 1)) * A_ROW_INTS + t + 4 * (i >> 3));
      part[i] = (byte) (quad >>> 8 * (i & 3));
    }
    return part;
  }

  /** A part of a 32×8 tile of bytes: 16 rows of 8 columns, each two bytes along k. */
  public byte[] loadBBytes(int[] tile, int depth) {
    int base = start(tile, depth, 32, 0, ROWS * B_ROW_INTS);
    byte[] part = new byte[8];
    for (int i = 0; i < 8; i++) {
      int row = 2 * t + (i >> 1 & 1) + 8 * (i >> 2);
      int pair = read(tile, base + row * B_ROW_INTS + g / 2) >>> 16 * (g & 1);
      part[i] = (byte) (pair >>> 8 * (i & 1));
    }
    return part;
  }

  private int start(int[] tile, int depth, int expected, int byteOffset, int ints) {
    if (depth != expected) {
      throw new IllegalArgumentException("a tile of depth " + depth + ", not " + expected);
    }
    if (byteOffset % 16 != 0) {
      throw new IllegalArgumentException(
          "a tile at byte " + byteOffset + ": its rows must lie at multiples of 16");
    }
    // The watch says which array it is.
    return watch == null
        ? Objects.checkFromIndexSize(byteOffset / 4, ints, tile.length)
        : byteOffset / 4;
  }

  private int read(int[] tile, int index) {
    if (watch != null) {
      watch.loadRow(tile, index, 1);
    }
    return tile[index];
  }

  /** {@code A·B + C}. */
  public float[] multiply(
      HalfFloat[] a, HalfFloat[] b, float[] c, MMAShape shape, boolean brainFloats) {
    check(shape, MMAShape.M16N8K16);
    float[] d = new float[4];
    Arrays.fill(d, Float.NaN);
    Warp.Joint all = warp.arrive(lane, joint++, brainFloats ? "mmaBF16" : "mma", a, b, c, d);
    if (all != null) {
      multiplyAll(all, brainFloats);
    }
    return d;
  }

  private static void multiplyAll(Warp.Joint all, boolean brainFloats) {
    float[] a = new float[ROWS * 16];
    float[] b = new float[16 * COLUMNS];
    for (int lane = 0; lane < Warp.LANES; lane++) {
      int g = lane / 4;
      int t = lane % 4;
      HalfFloat[] ownA = (HalfFloat[]) all.operand(lane, 0);
      for (int i = 0; i < 8; i++) {
        int row = g + 8 * (i >> 1 & 1);
        a[row * 16 + 2 * t + (i & 1) + 8 * (i >> 2)] = value(ownA[i], brainFloats);
      }
      HalfFloat[] ownB = (HalfFloat[]) all.operand(lane, 1);
      for (int i = 0; i < 4; i++) {
        b[(2 * t + (i & 1) + 8 * (i >> 1)) * COLUMNS + g] = value(ownB[i], brainFloats);
      }
    }
    float[] row = new float[COLUMNS];
    for (int m = 0; m < ROWS; m++) {
      for (int n = 0; n < COLUMNS; n++) {
        row[n] = accumulator(all, m, n)[element(m, n)];
      }
      for (int k = 0; k < 16; k++) {
        float left = a[m * 16 + k];
        for (int n = 0; n < COLUMNS; n++) {
          row[n] += left * b[k * COLUMNS + n];
        }
      }
      for (int n = 0; n < COLUMNS; n++) {
        float[] d = (float[]) all.operand(owner(m, n), 3);
        d[element(m, n)] = row[n];
      }
    }
  }

  private static float[] accumulator(Warp.Joint all, int m, int n) {
    return (float[]) all.operand(owner(m, n), 2);
  }

  private static int owner(int m, int n) {
    return m % 8 * 4 + n / 2;
  }

  private static int element(int m, int n) {
    return m / 8 * 2 + n % 2;
  }

  private static float value(HalfFloat half, boolean brainFloat) {
    return brainFloat ? Float.intBitsToFloat(half.getHalfFloatValue() << 16) : half.getFloat32();
  }

  /** {@code A·B + C} of bytes. */
  public int[] multiplyBytes(byte[] a, byte[] b, int[] c, MMAShape shape) {
    check(shape, MMAShape.M16N8K32);
    int[] d = new int[4];
    Warp.Joint all = warp.arrive(lane, joint++, "mmaInt8", a, b, c, d);
    if (all != null) {
      multiplyAllBytes(all);
    }
    return d;
  }

  private static void multiplyAllBytes(Warp.Joint all) {
    int depth = 32;
    int[] a = new int[ROWS * depth];
    int[] b = new int[depth * COLUMNS];
    for (int lane = 0; lane < Warp.LANES; lane++) {
      int g = lane / 4;
      int t = lane % 4;
      byte[] ownA = (byte[]) all.operand(lane, 0);
      for (int i = 0; i < 16; i++) {
        a[(g + 8 * (i >> 2 & 1)) * depth + 4 * t + (i & 3) + 16 * (i >> 3)] = ownA[i];
      }
      byte[] ownB = (byte[]) all.operand(lane, 1);
      for (int i = 0; i < 8; i++) {
        b[(4 * t + (i & 3) + 16 * (i >> 2)) * COLUMNS + g] = ownB[i];
      }
    }
    for (int m = 0; m < ROWS; m++) {
      for (int n = 0; n < COLUMNS; n++) {
        int sum = ((int[]) all.operand(owner(m, n), 2))[element(m, n)];
        for (int k = 0; k < depth; k++) {
          sum += a[m * depth + k] * b[k * COLUMNS + n];
        }
        ((int[]) all.operand(owner(m, n), 3))[element(m, n)] = sum;
      }
    }
  }

  /** Stores the lanes' parts of a result. */
  public void store(float[] d, FloatArray target, int row, int column, int stride) {
    watchStore(target, row, column, stride);
    Warp.Joint all = warp.arrive(lane, joint++, "mmaStore", d, target, row, column, stride);
    if (all != null) {
      for (int m = 0; m < ROWS; m++) {
        for (int n = 0; n < COLUMNS; n++) {
          int owner = owner(m, n);
          float value = ((float[]) all.operand(owner, 0))[element(m, n)];
          ((FloatArray) all.operand(owner, 1)).set(index(all, owner, m, n), value);
        }
      }
    }
  }

  /** Stores the lanes' parts of a result of ints. */
  public void storeInt(int[] d, IntArray target, int row, int column, int stride) {
    watchStore(target, row, column, stride);
    Warp.Joint all = warp.arrive(lane, joint++, "mmaStoreInt", d, target, row, column, stride);
    if (all != null) {
      for (int m = 0; m < ROWS; m++) {
        for (int n = 0; n < COLUMNS; n++) {
          int owner = owner(m, n);
          int value = ((int[]) all.operand(owner, 0))[element(m, n)];
          ((IntArray) all.operand(owner, 1)).set(index(all, owner, m, n), value);
        }
      }
    }
  }

  private void watchStore(TornadoNativeArray target, int row, int column, int stride) {
    if (watch != null) {
      for (int i = 0; i < 4; i++) {
        int m = row + g + 8 * (i >> 1);
        watch.storeNative(target, m * stride + column + 2 * t + (i & 1), 1);
      }
    }
  }

  private static int index(Warp.Joint all, int owner, int m, int n) {
    int row = (int) all.operand(owner, 2);
    int column = (int) all.operand(owner, 3);
    int stride = (int) all.operand(owner, 4);
    return (row + m) * stride + column + n;
  }

  private static void check(MMAShape shape, MMAShape expected) {
    if (shape != expected) {
      throw new IllegalArgumentException("shape " + shape + " where " + expected + " belongs");
    }
  }
}
