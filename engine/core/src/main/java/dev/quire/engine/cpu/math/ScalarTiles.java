package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The reference of the loops over tiles, by plain loops over arrays, which are fast from the
 * interpreter on. A weight is the float that the file's codec gives.
 */
final class ScalarTiles {
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle FLOAT =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

  private ScalarTiles() {}

  /** {@link Arithmetic#decode}. */
  static void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    int n = Math.min(CHUNK, w.inputs() - from);
    int length = (int) w.layout().bytes(n);
    byte[] bytes = s.bytes(length);
    MemorySegment.copy(w.data(), ValueLayout.JAVA_BYTE, w.start(tile, from), bytes, 0, length);
    switch (w.layout()) {
      case FLOAT -> {
        for (int i = 0; i < n * ROWS; i++) {
          panel[i] = (float) FLOAT.get(bytes, 4 * i);
        }
      }
      case HALF -> {
        for (int i = 0; i < n * ROWS; i++) {
          panel[i] = half(bytes, element(i));
        }
      }
      case BRAIN -> {
        for (int i = 0; i < n * ROWS; i++) {
          panel[i] = Float.intBitsToFloat((short) SHORT.get(bytes, element(i)) << 16);
        }
      }
      case Q8_0, Q4_0, Q4_K -> {
        levels(w, tile, from, n, panel, s);
        boolean minima = w.layout().hasMinima();
        for (int i = 0; i < n * ROWS; i++) {
          int scale = i / (32 * ROWS) * ROWS + i % ROWS;
          panel[i] = panel[i] * s.scales()[scale] + (minima ? s.minima()[scale] : 0);
        }
      }
      case Q6_K -> q6k(bytes, panel, s);
    }
  }

  /** Where an element of two bytes is, given its number in {@code [inputs][64]}. */
  private static int element(int i) {
    return i / ROWS * ROWS * Short.BYTES + WeightTiles.place(i % ROWS, 1);
  }

  private static float half(byte[] bytes, int at) {
    return Float.float16ToFloat((short) SHORT.get(bytes, at));
  }

  /** Levels of a part of a chunk; their scales and minima are left in the scratch. */
  static void levels(WeightTiles w, int tile, int from, int n, float[] panel, Scratch s) {
    int chunk = from / CHUNK * CHUNK;
    int inputs = Math.min(CHUNK, w.inputs() - chunk);
    int length = (int) w.layout().bytes(inputs);
    byte[] bytes = s.bytes(length);
    MemorySegment.copy(w.data(), ValueLayout.JAVA_BYTE, w.start(tile, chunk), bytes, 0, length);
    int half = w.layout().lines(inputs);
    int first = w.layout().leadingScales(inputs) + w.layout().lines(from - chunk) * LINE;
    int firstBlock = (from - chunk) / 32;
    int scales = firstBlock * 2 * ROWS;
    switch (w.layout()) {
      case Q8_0 -> {
        scales(bytes, scales, n, s.scales());
        byteLevels(bytes, first, half, n, panel);
      }
      case Q4_0 -> {
        scales(bytes, scales, n, s.scales());
        nibbleLevels(bytes, first, half, n, w.layout().leastLevel(), panel);
      }
      case Q4_K -> {
        scalesAndMinima(bytes, firstBlock, n / 32, s);
        nibbleLevels(bytes, first, half, n, w.layout().leastLevel(), panel);
      }
      default -> throw new IllegalArgumentException("no levels of " + w.layout());
    }
  }

  private static void scalesAndMinima(byte[] bytes, int first, int blocks, Scratch s) {
    int halves = 144 * ROWS;
    for (int b = 0; b < blocks; b++) {
      for (int r = 0; r < ROWS; r++) {
        int from = (first + b) * ROWS + r;
        int to = b * ROWS + r;
        s.scales()[to] = half(bytes, halves + 2 * r) * bytes[128 * ROWS + from];
        s.minima()[to] = -half(bytes, halves + 2 * (ROWS + r)) * bytes[136 * ROWS + from];
      }
    }
  }

  private static void scales(byte[] bytes, int from, int n, float[] scales) {
    for (int i = 0; i < n / 32 * ROWS; i++) {
      scales[i] = half(bytes, from + 2 * i);
    }
  }

  private static void byteLevels(byte[] bytes, int from, int half, int n, float[] panel) {
    for (int i = 0; i < n; i++) {
      int words = from + i / 2 * LINE + i % 2;
      int biased = i % 2 == 0 ? 0x80 : 0;
      for (int r = 0; r < ROWS; r++) {
        panel[i * ROWS + r] = (byte) (bytes[words + WeightTiles.place(r, half)] ^ biased);
      }
    }
  }

  private static void nibbleLevels(
      byte[] bytes, int from, int half, int n, int least, float[] panel) {
    for (int i = 0; i < n; i++) {
      int words = from + i / 4 * LINE + i % 4 / 2;
      for (int r = 0; r < ROWS; r++) {
        int nibble = (bytes[words + WeightTiles.place(r, half)] >> (i % 2 * 4)) & 15;
        panel[i * ROWS + r] = nibble + least;
      }
    }
  }

  private static void q6k(byte[] bytes, float[] panel, Scratch s) {
    float[] scales = s.tileWeights();
    for (int k = 0; k < 256; k++) {
      if (k % 16 == 0) {
        for (int r = 0; r < ROWS; r++) {
          scales[r] = half(bytes, 208 * ROWS + 2 * r) * bytes[(192 + k / 16) * ROWS + r];
        }
      }
      int lows = k / 2 * ROWS;
      int uppers = (128 + k / 4) * ROWS;
      for (int r = 0; r < ROWS; r++) {
        int low = (bytes[lows + r] >> (k % 2 * 4)) & 15;
        int upper = (bytes[uppers + r] >> (k % 4 * 2)) & 3;
        panel[k * ROWS + r] = ((low | (upper << 4)) - 32) * scales[r];
      }
    }
  }

  /** {@link Arithmetic#multiply}. */
  static void multiply(
      float[] panel,
      int n,
      float[] x,
      int xOffset,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    float[] sums = s.tileSums();
    for (int t = 0; t < rows; t++) {
      sum(panel, 0, n, x, xOffset + t, rows, s);
      int to = outOffset + t * outStride;
      for (int r = 0; r < ROWS; r++) {
        out[to + r] += sums[r];
      }
    }
  }

  /** Adds a chunk of levels times one quantised row, block by block. */
  static void multiplyLevels(
      boolean minima,
      float[] panel,
      int n,
      QuantizedRows x,
      int row,
      int from,
      float[] out,
      int outOffset,
      Scratch s) {
    float[] sums = s.tileSums();
    int input = row * x.inputs() + from;
    for (int b = 0; b < n / 32; b++) {
      sum(panel, b * 32, 32, x.floats(), input + b * 32, 1, s);
      float d = x.scales()[input / 32 + b];
      float sum = x.sums()[input / 32 + b];
      for (int r = 0; r < ROWS; r++) {
        int scale = b * ROWS + r;
        float total = Math.fma(sums[r], s.scales()[scale] * d, out[outOffset + r]);
        out[outOffset + r] = minima ? Math.fma(s.minima()[scale], sum, total) : total;
      }
    }
  }

  /** The products of {@code n} inputs from {@code k} on, into the scratch's sums. */
  private static void sum(
      float[] panel, int k, int n, float[] x, int xOffset, int xStep, Scratch s) {
    float[] sums = s.tileSums();
    float[] weights = s.tileWeights();
    for (int r = 0; r < ROWS; r++) {
      sums[r] = 0;
    }
    for (int i = 0; i < n; i++) {
      // A copy, because C2 makes vectors of loops whose arrays share one index.
      System.arraycopy(panel, (k + i) * ROWS, weights, 0, ROWS);
      float u = x[xOffset + i * xStep];
      for (int r = 0; r < ROWS; r++) {
        sums[r] = Math.fma(weights[r], u, sums[r]);
      }
    }
  }
}
