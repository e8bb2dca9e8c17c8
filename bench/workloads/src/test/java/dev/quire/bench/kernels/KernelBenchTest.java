package dev.quire.bench.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class KernelBenchTest {
  private static final DeviceLimits LIMITS = new DeviceLimits(1e9, 0, 0);

  static List<KernelCase> tiny() {
    return KernelCases.of(Scale.TINY);
  }

  @ParameterizedTest
  @MethodSource("tiny")
  void everyCaseRunsAndIsRightWhereItIsChecked(KernelCase kernel) {
    KernelTiming timing = new KernelBench(false, 0).measure(kernel, LIMITS);
    assertThat(timing.micros()).isBetween(timing.low(), timing.high());
    if (!Double.isNaN(timing.error())) {
      assertThat(timing.error()).isLessThan(3e-3);
    }
  }

  @Test
  void launchesOverlapWhereTheEnginesDo() {
    assertThat(List.of(0, 1, 2, 256, 512))
        .filteredOn(rows -> Overlap.ENGINE.of(new KernelWork(rows)))
        .as("a single row, and prompts")
        .containsExactly(1, 512);
    assertThat(Overlap.NEVER.of(new KernelWork(1))).isFalse();
    assertThat(Overlap.ALWAYS.of(new KernelWork(8))).isTrue();
    assertThat(tiny())
        .filteredOn(one -> one.kernel().startsWith("MatrixVector"))
        .allMatch(one -> Overlap.ENGINE.of(one.work().get()));
    KernelTiming timing =
        new KernelBench(false, 0, Overlap.ALWAYS).measure(tiny().getFirst(), LIMITS);
    assertThat(timing.overlap()).as("nothing is captured on the JVM").isFalse();
  }

  @Test
  void fullShapesHaveNamesOfTheirOwn() {
    assertThat(KernelCases.of(Scale.FULL)).extracting(KernelCase::name).doesNotHaveDuplicates();
  }

  @Test
  void patternsChooseByPartsOfNames() {
    List<KernelCase> all = KernelCases.of(Scale.FULL);
    assertThat(KernelCases.matching(all, List.of())).hasSameSizeAs(all);
    assertThat(KernelCases.matching(all, List.of("argmax*128256", "rmsnorm-add 1X")))
        .extracting(KernelCase::name)
        .containsExactly("Argmax 1x128256", "Argmax 128x128256", "RmsNorm-add 1x2048");
    assertThat(KernelCases.matching(all, List.of("no such"))).isEmpty();
  }

  @Test
  void aCaseNearTheDevicesLimitSaysWhich() {
    KernelCase kernel = new KernelCase("k", "s", 1e6, 4e6, () -> new KernelWork(1));
    KernelTiming timing = new KernelTiming(kernel, 10, 9, 11, Double.NaN, false, 0);
    assertThat(timing.bandwidth()).isEqualTo(1e11);
    assertThat(timing.rate()).isEqualTo(4e11);
    DeviceLimits memory = new DeviceLimits(2e11, 1e12, 0);
    assertThat(timing.share(memory)).isEqualTo(0.5);
    assertThat(timing.arithmeticBound(memory)).isFalse();
    DeviceLimits arithmetic = new DeviceLimits(1e12, 5e11, 0);
    assertThat(timing.share(arithmetic)).isEqualTo(0.8);
    assertThat(timing.arithmeticBound(arithmetic)).isTrue();
  }
}
