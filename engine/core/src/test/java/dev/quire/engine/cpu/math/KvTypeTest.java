package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class KvTypeTest {
  private static float[] through(KvType type, float... values) {
    int n = values.length;
    try (Arena arena = Arena.ofConfined()) {
      KvCache cache = KvCache.allocate(arena, type, 1, 3, 1, n);
      cache.store(1, values, 0, values, 0);
      float[] keys = new float[n];
      float[] back = new float[n];
      for (int d = 0; d < n; d++) {
        keys[d] = cache.keyAt(0, 1, d);
        back[d] = cache.valueAt(0, 1, d);
      }
      assertThat(keys).isEqualTo(back);
      return back;
    }
  }

  @Test
  void floatsAreExact() {
    float[] values = {0, -0f, 1e-30f, 3.1415927f, -1e30f};
    assertThat(through(KvType.F32, values)).isEqualTo(values);
  }

  @Test
  void halvesRoundToTheNearestAndStayFinite() {
    assertThat(through(KvType.F16, 1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 1e6f, -1e6f, 70000))
        .containsExactly(1, 1 + 0x1p-9f, 65504, -65504, 65504);
  }

  @Test
  void brainFloatsRoundToTheNearestTiesToEven() {
    assertThat(through(KvType.BF16, 1 + 0x1p-8f, 1 + 3 * 0x1p-8f, -1.00001f))
        .containsExactly(1, 1 + 0x1p-6f, -1);
    assertThat(through(KvType.BF16, Float.NaN)[0]).isNaN();
  }

  @ParameterizedTest
  @CsvSource({"32", "33", "80", "128"})
  void levelsAreWithinHalfAStepOfTheirBlock(int n) {
    float[] values = new RandomData(n).floats(n);
    values[n - 1] = 5; // the last block, which may be short, has a scale of its own
    float[] back = through(KvType.Q8_0, values);
    for (int i = 0; i < n; i++) {
      float greatest = 0;
      for (int j = i / 32 * 32; j < Math.min(n, i / 32 * 32 + 32); j++) {
        greatest = Math.max(greatest, Math.abs(values[j]));
      }
      assertThat(back[i]).isCloseTo(values[i], within(greatest / 127 * 0.51f));
    }
    assertThat(KvType.Q8_0.bytes(n)).isEqualTo(n + 2L * Math.ceilDiv(n, 32));
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void zerosStayZero(KvType type) {
    assertThat(through(type, new float[40])).containsOnly(0);
  }
}
