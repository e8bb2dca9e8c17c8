package dev.quire.bench.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.bench.kernels.KernelCase;
import dev.quire.bench.kernels.KernelCases;
import dev.quire.bench.kernels.Scale;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Param;

final class KernelBenchmarkTest {
  @Test
  void everyTinyCaseIsAParameter() throws NoSuchFieldException {
    Param names = KernelBenchmark.class.getDeclaredField("kernel").getAnnotation(Param.class);
    assertThat(names.value())
        .as("KernelBenchmark's parameters, as quire bench kernels --device jvm --list prints them")
        .containsExactlyElementsOf(
            KernelCases.of(Scale.TINY).stream().map(KernelCase::name).toList());
  }
}
