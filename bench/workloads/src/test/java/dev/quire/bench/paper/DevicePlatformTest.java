package dev.quire.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The embedded model serves a few requests, over every allocator. */
class DevicePlatformTest {
  private static DevicePlatform platform;

  @BeforeAll
  static void open() {
    platform =
        new DevicePlatform.Source(null, "cpu", 2, 128, DevicePlatform.FULL_SEQUENCES, _ -> {})
            .open(16);
  }

  @AfterAll
  static void close() {
    platform.close();
  }

  private static ServingRun.Setup setup(ServingSystem system) {
    return ServingRun.Setup.of(
            system, platform, Trace.SHARE_GPT.scaled(platform.scale()), Double.POSITIVE_INFINITY)
        .withRequests(20);
  }

  @ParameterizedTest
  @EnumSource(ServingSystem.class)
  void everyRequestIsServedInRealTime(ServingSystem system) {
    ServingRun.Result result = ServingRun.run(setup(system));
    assertThat(result.requests()).isEqualTo(20);
    assertThat(result.latency()).isPositive();
    assertThat(result.throughput()).isPositive();
    int most = platform.slots() / platform.maxTokens();
    if (system == ServingSystem.ORCA_MAX) {
      assertThat(result.batched()).isBetween(1.0, (double) most);
    } else if (system == ServingSystem.PAGED) {
      // More at once, counted by steps: how long each takes is the machine's matter.
      assertThat(steps(result)).isLessThan(steps(ServingRun.run(setup(ServingSystem.ORCA_MAX))));
    }
  }

  private static long steps(ServingRun.Result result) {
    StepTimes times = result.steps();
    return Stream.of(times.single(), times.prompts(), times.mixed())
        .flatMap(spent -> spent.values().stream())
        .mapToLong(StepTimes.Spent::steps)
        .sum();
  }

  @Test
  void aSmallerPoolOfTheSameModelServesToo() {
    Platform within = platform.within(DevicePlatform.FULL_SEQUENCES / 2);
    int half = platform.slots() / 2;
    assertThat(within.slots()).isBetween(half - 16, half);
    assertThat(platform.within(100).slots()).isEqualTo(platform.slots());
    ServingRun.Setup small =
        ServingRun.Setup.of(
                ServingSystem.PAGED,
                within,
                Trace.SHARE_GPT.scaled(platform.scale()),
                Double.POSITIVE_INFINITY)
            .withRequests(10);
    assertThat(ServingRun.run(small).requests()).isEqualTo(10);
  }

  @Test
  void beamsAndSamplesForkRealBlocks() {
    for (boolean beams : new boolean[] {false, true}) {
      ServingRun.Setup setup = setup(ServingSystem.PAGED).withRequests(6).withSamples(3, beams);
      ServingRun.Result result = ServingRun.run(setup);
      assertThat(result.requests()).isEqualTo(6);
      assertThat(result.savedShare()).isPositive();
    }
  }
}
