package dev.quire.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ServingRunTest {
  private static ServingRun.Setup setup(ServingSystem system, Trace trace, double rate) {
    return ServingRun.Setup.of(system, ServedModel.OPT_13B, trace, rate).withSeconds(150);
  }

  @ParameterizedTest
  @EnumSource(ServingSystem.class)
  void everyRequestIsServedAndTheSharesAreOfOneWhole(ServingSystem system) {
    ServingRun.Setup setup = setup(system, Trace.SHARE_GPT, 2);
    ServingRun.Result result = ServingRun.run(setup);
    assertThat(result.requests())
        .isEqualTo(Trace.SHARE_GPT.arrivals(2, 150, Integer.MAX_VALUE, setup.seed()).size());
    double sum =
        result.tokenShare()
            + result.reservedShare()
            + result.internalShare()
            + result.externalShare();
    assertThat(sum).isBetween(0.999999, 1.000001);
    assertThat(ServingRun.run(setup)).isEqualTo(result);
  }

  @Test
  void everyStepsTimeIsCountedOnce() {
    ServingRun.Result result =
        ServingRun.run(setup(ServingSystem.PAGED, Trace.SHARE_GPT, 6).withRequests(100));
    List<Figure.Part> parts = result.steps().parts();
    Figure.Part all = parts.getFirst();
    List<Figure.Part> kinds =
        parts.stream().skip(1).filter(part -> !part.what().startsWith("of all")).toList();
    assertThat(kinds.stream().mapToLong(Figure.Part::steps).sum()).isEqualTo(all.steps());
    assertThat(kinds.stream().mapToLong(Figure.Part::tokens).sum()).isEqualTo(all.tokens());
    assertThat(kinds.stream().mapToDouble(Figure.Part::seconds).sum())
        .isCloseTo(all.seconds(), within(1e-9 * all.seconds()));
    Figure.Part again =
        parts.stream().filter(part -> part.what().contains("again")).findFirst().orElseThrow();
    assertThat(again.steps()).isEqualTo(result.preemptions());
    // A preempted sequence computes its prompt once more, and most have more than that.
    long arrived =
        Trace.SHARE_GPT.arrivals(6, 1e9, 100, 1).stream()
            .mapToLong(a -> a.prompt() + a.output() - 1)
            .sum();
    assertThat(all.tokens()).isEqualTo(arrived + again.tokens());
  }

  @Test
  void pagedMemoryHoldsTokensAndReservedMemoryMostlyDoesNot() {
    List<Double> shares =
        List.of(
                ServingSystem.ORCA_MAX,
                ServingSystem.ORCA_POW2,
                ServingSystem.ORCA_ORACLE,
                ServingSystem.PAGED)
            .stream()
            .map(system -> ServingRun.run(setup(system, Trace.SHARE_GPT, 6)).tokenShare())
            .toList();
    assertThat(shares).isSorted();
    assertThat(shares.get(2)).isLessThan(0.5);
    assertThat(shares.get(3)).isGreaterThanOrEqualTo(0.963);
  }

  @Test
  void sharingSavesMoreTheMoreSequencesThereAre() {
    double before = 0;
    for (int samples : new int[] {2, 4, 6}) {
      double saved =
          ServingRun.run(setup(ServingSystem.PAGED, Trace.ALPACA, 4).withSamples(samples, false))
              .savedShare();
      double withBeams =
          ServingRun.run(setup(ServingSystem.PAGED, Trace.ALPACA, 4).withSamples(samples, true))
              .savedShare();
      assertThat(saved).isGreaterThan(before);
      assertThat(withBeams).isGreaterThan(saved);
      before = saved;
    }
  }

  @Test
  void arrivalsHaveTheTracesMeans() {
    List<Trace.Arrival> arrivals = Trace.ALPACA.arrivals(100, 2000, Integer.MAX_VALUE, 7);
    assertThat(arrivals).hasSizeBetween(195_000, 205_000);
    assertThat(arrivals.stream().mapToInt(Trace.Arrival::prompt).average().orElse(0))
        .isBetween(19.0, 20.0);
    assertThat(arrivals.stream().mapToInt(Trace.Arrival::output).average().orElse(0))
        .isBetween(57.0, 59.5);
  }
}
