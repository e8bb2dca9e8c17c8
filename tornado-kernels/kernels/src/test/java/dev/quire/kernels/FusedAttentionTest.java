package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class FusedAttentionTest {
  private static final float MAGNITUDE = 1.1f;

  @ParameterizedTest
  @CsvSource({
    "4, 1, 64, 16, 64, 32, 0, 0, 0",
    "4, 1, 64, 16, 64, 32, 1, 0, 0",
    "4, 2, 64, 8, 64, 1, 2, 0, 0",
    "2, 1, 64, 16, 64, 1, 256, 0, 0",
    "2, 2, 64, 16, 64, 32, 700, 0, 0",
    "3, 1, 128, 32, 128, 64, 301, 0, 30",
    "2, 1, 32, 4, 16, 8, 77, 50, 0",
    "2, 1, 80, 64, 0, 1, 96, 0, 0",
    "2, 1, 16, 16, 16, 8, 300, 9, 5",
    "1, 1, 256, 16, 256, 128, 130, 0, 0",
    "2, 1, 160, 16, 160, 80, 130, 67, 0"
  })
  void rotatesStoresAndAttends(
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int rotary,
      int apart,
      int position,
      int window,
      float softCap) {
    check(heads, kvHeads, headSize, blockSize, rotary, apart, position, window, softCap, 1);
  }

  @ParameterizedTest
  @CsvSource({"1, 40", "0, 40"})
  void storesNothingWhereNothingIsThere(int there, int position) {
    check(2, 1, 64, 16, 64, 32, position, 0, 0, there);
  }

  private static void check(
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int rotary,
      int apart,
      int position,
      int window,
      float softCap,
      int there) {
    Random random = new Random(heads * 31L + headSize + position);
    int width = position / blockSize + 1;
    int blocks = width + 3;
    int cacheSize = blocks * kvHeads * blockSize * headSize;
    float[] qkv = Device.normal(random, (heads + 2 * kvHeads) * headSize);
    float[] keysBefore = Device.normal(random, cacheSize);
    float[] valuesBefore = Device.normal(random, cacheSize);
    float[] frequencies = new float[Math.max(1, rotary / 2)];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) Math.pow(10000, -2.0 * i / Math.max(1, rotary));
    }
    IntArray tables = new IntArray(width);
    for (int i = 0; i < width; i++) {
      tables.set(i, (i * 7 + 3) % blocks);
    }
    int slot = tables.get(position / blockSize) * blockSize + position % blockSize;
    for (int h = 0; h < kvHeads; h++) { // What lies there must not count.
      int at = row(slot, h, kvHeads, blockSize) * headSize;
      Arrays.fill(keysBefore, at, at + headSize, Float.NaN);
      Arrays.fill(valuesBefore, at, at + headSize, Float.NaN);
    }
    HalfFloatArray keys = Device.halves(keysBefore);
    HalfFloatArray values = Device.halves(valuesBefore);
    HalfFloatArray out = new HalfFloatArray(heads * headSize);
    float scale = (float) (1 / Math.sqrt(headSize));
    IntArray counts = IntArray.fromElements(there, 0, position);
    FloatArray sums = FloatArray.fromArray(qkv);
    IntArray slots = IntArray.fromElements(slot);
    FloatArray turns = FloatArray.fromArray(frequencies);
    float magnitude = rotary == 0 ? 1 : MAGNITUDE;
    Device.run(
        FusedAttention.grid(heads),
        Device.in(counts, sums, slots, turns, keys, values, tables, out),
        g ->
            g.task(
                "kernel",
                FusedAttention::attendEarly,
                new KernelContext(),
                counts,
                sums,
                slots,
                turns,
                keys,
                values,
                tables,
                out,
                heads,
                kvHeads,
                headSize,
                blockSize,
                rotary,
                apart,
                magnitude,
                window,
                scale,
                softCap),
        Device.out(keys, values, out));
    if (there == 0) {
      assertThat(Device.floats(keys)).isEqualTo(rounded(keysBefore));
      assertThat(Device.floats(values)).isEqualTo(rounded(valuesBefore));
      return;
    }
    float[] pairs = rotary == 0 ? new float[0] : frequencies;
    for (int h = 0; h < heads; h++) {
      int kvHead = h / (heads / kvHeads);
      float[] query = rotated(qkv, h, headSize, position, pairs, apart, magnitude);
      float[] key = rotated(qkv, heads + kvHead, headSize, position, pairs, apart, magnitude);
      int value = (heads + kvHeads + kvHead) * headSize;
      float[][] k = new float[position + 1][];
      float[][] v = new float[position + 1][];
      for (int p = 0; p <= position; p++) {
        int place = tables.get(p / blockSize) * blockSize + p % blockSize;
        int row = row(place, kvHead, kvHeads, blockSize);
        k[p] = Device.floats(keys.slice(row * headSize, headSize));
        v[p] = Device.floats(values.slice(row * headSize, headSize));
      }
      assertThat(v[position]).isEqualTo(rounded(Arrays.copyOfRange(qkv, value, value + headSize)));
      for (int i = 0; i < headSize; i++) {
        assertThat(k[position][i]).isCloseTo(key[i], within(4e-3f));
      }
      int first = window > 0 ? Math.max(0, position + 1 - window) : 0;
      float[] expected = AttentionReference.attend(query, k, v, first, scale, softCap);
      for (int i = 0; i < headSize; i++) {
        assertThat(out.get(h * headSize + i).getFloat32())
            .as("head %d element %d", h, i)
            .isCloseTo(expected[i], within(3e-3f));
      }
    }
  }

  private static int row(int place, int kvHead, int kvHeads, int blockSize) {
    return (place / blockSize * kvHeads + kvHead) * blockSize + place % blockSize;
  }

  private static float[] rotated(
      float[] qkv,
      int head,
      int headSize,
      int position,
      float[] frequencies,
      int apart,
      float magnitude) {
    float[] row = Arrays.copyOfRange(qkv, head * headSize, (head + 1) * headSize);
    return RotaryCache.reference(row, position, frequencies, apart, magnitude);
  }

  private static float[] rounded(float[] values) {
    return Device.floats(Device.halves(values));
  }
}
