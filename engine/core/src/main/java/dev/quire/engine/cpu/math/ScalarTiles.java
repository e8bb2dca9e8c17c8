package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
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
    MemorySegment.copy(w.data(), ValueLayout.JAVA_BYTE, w.offset(tile, from), bytes, 0, length);
    switch (w.layout()) {
      case FLOAT -> {
        for (int i = 0; i < n * ROWS; i++) {
          panel[i] = (float) FLOAT.get(bytes, 4 * i);
        }
      }
      case HALF -> {
        for (int i = 0; i < n * ROWS; i++) {
          panel[i] = half(bytes, 2 * i);
        }
      }
      case BRAIN -> {
        for (int i = 0; i < n * ROWS; i++) {
          panel[i] = Float.intBitsToFloat((short) SHORT.get(bytes, 2 * i) << 16);
        }
      }
      case Q8_0 -> q8(bytes, n, panel, s);
      case Q4_0 -> q4(bytes, n, panel, s);
      case Q4_K -> q4k(bytes, panel, s);
      case Q6_K -> q6k(bytes, panel, s);
    }
  }

  private static float half(byte[] bytes, int at) {
    return Float.float16ToFloat((short) SHORT.get(bytes, at));
  }

  private static void q8(byte[] bytes, int n, float[] panel, Scratch s) {
    float[] scales = s.tileWeights();
    int block = 0;
    for (int k = 0; k < n; k += 32, block += TileLayout.Q8_0.blockBytes()) {
      for (int r = 0; r < ROWS; r++) {
        scales[r] = half(bytes, block + 32 * ROWS + 2 * r);
      }
      for (int i = 0; i < 32; i++) {
        int at = block + i * ROWS;
        int to = (k + i) * ROWS;
        for (int r = 0; r < ROWS; r++) {
          panel[to + r] = bytes[at + r] * scales[r];
        }
      }
    }
  }

  private static void q4(byte[] bytes, int n, float[] panel, Scratch s) {
    float[] scales = s.tileWeights();
    float[] minima = s.tileSums();
    int block = 0;
    for (int k = 0; k < n; k += 32, block += TileLayout.Q4_0.blockBytes()) {
      for (int r = 0; r < ROWS; r++) {
        scales[r] = half(bytes, block + 16 * ROWS + 2 * r);
        minima[r] = 8 * scales[r];
      }
      pairs(bytes, block, scales, minima, panel, k);
    }
  }

  private static void q4k(byte[] bytes, float[] panel, Scratch s) {
    float[] scales = s.tileWeights();
    float[] minima = s.tileSums();
    int halves = 144 * ROWS;
    for (int sub = 0; sub < 8; sub++) {
      for (int r = 0; r < ROWS; r++) {
        scales[r] = half(bytes, halves + 2 * r) * bytes[(128 + sub) * ROWS + r];
        minima[r] = half(bytes, halves + 2 * (ROWS + r)) * bytes[(136 + sub) * ROWS + r];
      }
      pairs(bytes, sub * 16 * ROWS, scales, minima, panel, sub * 32);
    }
  }

  /** Sixteen rows of pairs, from input {@code k} on. */
  private static void pairs(
      byte[] bytes, int from, float[] scales, float[] minima, float[] panel, int k) {
    for (int i = 0; i < 16; i++) {
      int at = from + i * ROWS;
      int to = (k + 2 * i) * ROWS;
      for (int r = 0; r < ROWS; r++) {
        int pair = bytes[at + r];
        panel[to + r] = (pair & 15) * scales[r] - minima[r];
        panel[to + ROWS + r] = (pair >> 4 & 15) * scales[r] - minima[r];
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
        int low = bytes[lows + r] >> k % 2 * 4 & 15;
        int upper = bytes[uppers + r] >> k % 4 * 2 & 3;
        panel[k * ROWS + r] = ((low | upper << 4) - 32) * scales[r];
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
    float[] weights = s.tileWeights();
    for (int t = 0; t < rows; t++) {
      for (int r = 0; r < ROWS; r++) {
        sums[r] = 0;
      }
      for (int k = 0; k < n; k++) {
        // A copy, because C2 makes vectors of loops whose arrays share one index.
        System.arraycopy(panel, k * ROWS, weights, 0, ROWS);
        float u = x[xOffset + k * rows + t];
        for (int r = 0; r < ROWS; r++) {
          sums[r] = Math.fma(weights[r], u, sums[r]);
        }
      }
      int to = outOffset + t * outStride;
      for (int r = 0; r < ROWS; r++) {
        out[to + r] += sums[r];
      }
    }
  }
}
