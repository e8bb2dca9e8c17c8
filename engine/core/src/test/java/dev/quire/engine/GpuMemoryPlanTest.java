package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.tornado.GpuDevice;
import org.junit.jupiter.api.Test;

class GpuMemoryPlanTest {
  private static final long GIB = 1L << 30;

  private static String noRoom(long free, long weights, long scratch) {
    return GpuMemoryPlan.noRoom(
        new GpuDevice("A GPU", 16 * GIB, free * GIB), 0.5, weights * GIB, scratch * GIB, GIB / 64);
  }

  @Test
  void aLargerShareIsNamedWhereItFits() {
    assertThat(noRoom(15, 6, 2))
        .startsWith("A GPU has 15.00 GiB free of 16.00 GiB; at --gpu-memory-utilization 0.5")
        .contains("weights of 6.00 GiB, scratch of 2.00 GiB and 1.00 GiB for driver and kernels")
        .endsWith("--gpu-memory-utilization 0.57 has it");
  }

  @Test
  void lessScratchIsNamedWhereWeightsFit() {
    assertThat(noRoom(8, 6, 4))
        .contains("--max-num-batched-tokens", "--max-num-seqs")
        .endsWith("of which 0.98 GiB fit");
  }

  @Test
  void weightsThatAreTooLargeAreSaidToBe() {
    assertThat(noRoom(8, 12, 4)).endsWith("a model of fewer bits takes less (quire quantize)");
  }
}
