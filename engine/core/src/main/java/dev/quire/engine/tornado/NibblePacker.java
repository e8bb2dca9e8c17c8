package dev.quire.engine.tornado;

import dev.quire.kernels.NibbleTiles;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * Takes rows of Q4_0 and Q4_K apart into {@link NibbleTiles} (layouts: ggml's {@code block_q4_0}
 * and {@code block_q4_K}).
 *
 * <pre>
 *   Q4_0, 32 weights in 18 bytes:    │d│ n0 n16│n1 n17│ …│                      d · (n − 8)
 *   Q4_K, 256 weights in 144 bytes:  │d│dmin│12 bytes: 8 × (s, m) of 6 bits│
 *                                    │n0 n32│n1 n33│ … 64 weights in 32 bytes│  d · s · n − dmin · m
 * </pre>
 */
final class NibblePacker {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int GROUP = NibbleTiles.GROUP_INPUTS;

  private final Tensor tensor;
  private final long start;

  private NibblePacker(Tensor tensor, int row) {
    this.tensor = tensor;
    this.start = tensor.type().bytesFor((long) row * tensor.columns());
  }

  /** Fills the tiles of a matrix, block of outputs by block. */
  static void fill(MemorySegment nibbles, MemorySegment steps, int inputs, WeightPacker.Rows rows) {
    int ints = NibbleTiles.paddedInputs(inputs);
    IntStream.range(0, Math.ceilDiv(rows.size(), 8))
        .parallel()
        .forEach(
            b -> {
              int[] tile = new int[ints];
              short[] step = new short[ints / 2];
              for (int o = 0; o < Math.min(8, rows.size() - 8 * b); o++) {
                WeightPacker.Row row = rows.get(8 * b + o);
                if (!row.empty()) {
                  new NibblePacker(row.tensor(), row.row()).output(o, inputs, tile, step);
                }
              }
              MemorySegment.copy(
                  tile,
                  0,
                  nibbles,
                  ValueLayout.JAVA_INT_UNALIGNED,
                  4 * (NibbleTiles.START + (long) b * ints),
                  ints);
              MemorySegment.copy(step, 0, steps, SHORT, (long) b * ints, ints / 2);
            });
  }

  private void output(int o, int inputs, int[] tile, short[] step) {
    for (int i = 0; i < inputs; i += GROUP) {
      int at = NibbleTiles.stepAt(o, i, inputs);
      step[at] = Float.floatToFloat16(scale(i));
      step[at + 1] = Float.floatToFloat16(least(i));
      for (int k = i; k < i + GROUP; k++) {
        tile[NibbleTiles.intAt(o, k, inputs) - NibbleTiles.START] |=
            nibble(k) << NibbleTiles.shift(o, k);
      }
    }
  }

  private boolean small() {
    return tensor.type() == TensorType.Q4_0;
  }

  private long block(int input) {
    return start + (small() ? input / 32 * 18L : input / 256 * 144L);
  }

  private int unsigned(long at) {
    return tensor.data().get(ValueLayout.JAVA_BYTE, at) & 0xFF;
  }

  private float half(long at) {
    return Float.float16ToFloat(tensor.data().get(SHORT, at));
  }

  private int nibble(int input) {
    if (small()) {
      return (unsigned(block(input) + 2 + input % 16) >> (input % 32 / 16 * 4)) & 15;
    }
    int within = input % 256;
    return (unsigned(block(input) + 16 + within / 64 * 32 + within % 32) >> (within % 64 / 32 * 4))
        & 15;
  }

  private float scale(int input) {
    if (small()) {
      return half(block(input));
    }
    int j = input % 256 / 32;
    long packed = block(input) + 4;
    int s =
        j < 4
            ? unsigned(packed + j) & 63
            : (unsigned(packed + j + 4) & 15) | (unsigned(packed + j - 4) >> 6 << 4);
    return half(block(input)) * s;
  }

  private float least(int input) {
    if (small()) {
      return 8 * half(block(input));
    }
    int j = input % 256 / 32;
    long packed = block(input) + 4;
    int m =
        j < 4
            ? unsigned(packed + j + 4) & 63
            : (unsigned(packed + j + 4) >> 4) | (unsigned(packed + j) >> 6 << 4);
    return half(block(input) + 2) * m;
  }
}
