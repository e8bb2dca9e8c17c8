package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Line;
import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.bench.paper.RateSearch.Found;
import dev.quire.bench.paper.RateSearch.Query;
import java.util.ArrayList;
import java.util.List;

/** What blocks of other sizes, preemption and other lengths cost, in simulated time. */
final class CostFigures {
  private final double seconds;

  /**
   * @param seconds of arrivals in each run
   */
  CostFigures(double seconds) {
    this.seconds = seconds;
  }

  private ServingRun.Setup setup(
      ServingSystem system, ServedModel model, Trace trace, double rate) {
    return ServingRun.Setup.of(system, model, trace, rate).withSeconds(seconds);
  }

  Figure blockSizes() {
    List<Integer> sizes = List.of(1, 2, 4, 8, 16, 32, 64, 128, 256);
    List<Line> lines = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    for (Trace trace : List.of(Trace.SHARE_GPT, Trace.ALPACA)) {
      double rate = trace == Trace.ALPACA ? 20 : 1.5;
      List<Double> latencies =
          sizes.parallelStream()
              .map(
                  size ->
                      ServingRun.run(
                              setup(ServingSystem.PAGED, ServedModel.OPT_13B, trace, rate)
                                  .withBlockSize(size))
                          .latency())
              .toList();
      lines.add(
          new Line(trace.name(), sizes.stream().map(Integer::doubleValue).toList(), latencies));
      for (int i = 0; i < sizes.size(); i++) {
        rows.add(Row.ours(trace.name() + ", blocks of " + sizes.get(i), latencies.get(i)));
      }
    }
    return new Figure(
        "18b",
        "Normalised latency by block size: OPT-13B, ShareGPT at 1.5 and Alpaca at 20 requests a"
            + " second",
        "s a token",
        rows,
        "Simulated time shows what fragmentation costs, not what small blocks cost the kernel: the"
            + " left side of the paper's curve, and Figure 18a, need a GPU.",
        new Plot("figure18b", "tokens a block", "normalised latency, s a token", true, 0, lines));
  }

  Figure swapOrRecompute() {
    List<Row> rows = new ArrayList<>();
    List<Double> sizes = new ArrayList<>();
    List<Double> swaps = new ArrayList<>();
    List<Double> recomputations = new ArrayList<>();
    for (int size = 1; size <= 256; size *= 2) {
      double swap = SwapCost.swapSeconds(ServedModel.OPT_13B, 256, size);
      double recompute = SwapCost.recomputeSeconds(ServedModel.OPT_13B, 256);
      sizes.add((double) size);
      swaps.add(1e3 * swap);
      recomputations.add(1e3 * recompute);
      rows.add(Row.ours("blocks of " + size + ": swapping, ms", 1e3 * swap));
      rows.add(Row.ours("blocks of " + size + ": recomputation over swapping", recompute / swap));
    }
    return new Figure(
        "19",
        "Swapping 256 tokens out and in, or computing them again: OPT-13B",
        "",
        rows,
        "By the stated cost model: PCIe 4.0 at 25 GB/s one way and 10 µs for each transfer, one a"
            + " block, layer and of keys or values. The paper finds recomputation flat, never"
            + " over 20 % of swapping's latency, and the two comparable at 16 to 64.",
        new Plot(
            "figure19",
            "tokens a block",
            "ms",
            true,
            0,
            List.of(
                new Line("swapping", sizes, swaps),
                new Line("recomputation", sizes, recomputations))));
  }

  Figure sensitivity() {
    List<Query> queries = new ArrayList<>();
    double[] sigmas = {0.75, 1, 1.25};
    for (double sigma : sigmas) {
      Trace trace = Trace.SHARE_GPT.withSigma(sigma);
      for (ServingSystem s :
          List.of(ServingSystem.ORCA_MAX, ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
        queries.add(
            new Query(s.label(), setup(s, ServedModel.OPT_13B, trace, 1), 1.9 / 64, 1.9 * 4));
      }
    }
    List<Found> found = RateSearch.all(queries);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < sigmas.length; i++) {
      double paged = found.get(3 * i + 2).rate();
      String label = "σ = " + sigmas[i];
      rows.add(new Row(label + ": over Orca (Max)", 3.8, paged / found.get(3 * i).rate()));
      rows.add(new Row(label + ": over Orca (Oracle)", 1.73, paged / found.get(3 * i + 1).rate()));
      ServingRun.Result result =
          ServingRun.run(
              setup(
                  ServingSystem.PAGED,
                  ServedModel.OPT_13B,
                  Trace.SHARE_GPT.withSigma(sigmas[i]),
                  2));
      rows.add(new Row(label + ": token states, %", 96.3, 100 * result.tokenShare()));
      double[] shares = {20.4, 26.8, 38.2};
      List<ServingSystem> orcas =
          List.of(ServingSystem.ORCA_MAX, ServingSystem.ORCA_POW2, ServingSystem.ORCA_ORACLE);
      for (int k = 0; k < 3; k++) {
        ServingSystem orca = orcas.get(k);
        double share =
            ServingRun.run(
                    setup(orca, ServedModel.OPT_13B, Trace.SHARE_GPT.withSigma(sigmas[i]), 2))
                .tokenShare();
        rows.add(
            new Row(label + ": token states of " + orca.label() + ", %", shares[k], 100 * share));
      }
    }
    return new Figure(
        "12, 2: sensitivity",
        "What the unknown spread of lengths does: OPT-13B, ShareGPT",
        "",
        rows,
        "One σ for all other figures: 1.",
        null);
  }
}
