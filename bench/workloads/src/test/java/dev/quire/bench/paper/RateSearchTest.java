package dev.quire.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RateSearchTest {
  private static RateSearch.Found search(double least, double most, double limit) {
    ServingRun.Setup setup =
        ServingRun.Setup.of(ServingSystem.PAGED, ServedModel.OPT_13B, Trace.ALPACA, 1)
            .withSeconds(20);
    return new RateSearch.Query("Quire", setup, least, most, limit, 4).search();
  }

  @Test
  void aBracketBesideTheRateIsWidened() {
    RateSearch.Found within = search(4, 256, 0.06);
    assertThat(within.crossed()).isTrue();
    assertThat(within.what()).isEqualTo("Quire");
    for (RateSearch.Found beside :
        new RateSearch.Found[] {search(1, 9, 0.06), search(90, 810, 0.06)}) {
      assertThat(beside.crossed()).isTrue();
      assertThat(beside.rate()).isBetween(within.rate() / 3, within.rate() * 3);
    }
  }

  @Test
  void aWidenedBracketIsHalvedAsFarAsTheOneAskedFor() {
    for (double least : new double[] {1, 90}) {
      double most = 9 * least;
      RateSearch.Found found = search(least, most, 0.06);
      double step = Math.pow(most / least, 1 / 32.0) * 1.001; // half of what four halvings leave
      TreeMap<Double, Double> latencies = found.latencies();
      assertThat(latencies.ceilingKey(found.rate()) / found.rate()).isLessThan(step);
      assertThat(found.rate() / latencies.floorKey(found.rate())).isLessThan(step);
    }
  }

  @Test
  void aLimitThatIsNeverCrossedIsSaid() {
    RateSearch.Found always = search(1, 2, 1e9);
    assertThat(always.crossed()).isFalse();
    assertThat(always.what()).isEqualTo("Quire (the limit was not crossed)");
    assertThat(search(1, 2, 1e-9).crossed()).isFalse();
  }
}
