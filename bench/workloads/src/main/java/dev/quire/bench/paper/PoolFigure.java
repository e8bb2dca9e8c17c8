package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * What the pool's size does to Figure 12's ratios: the same requests, all there from the start, in
 * pools of several sizes.
 */
final class PoolFigure {
  /** Orca's ratios to the paper's system, at the pool that the paper had. */
  private static final double[] PAPER = {3.8, 1.73};

  private final DevicePlatform platform;
  private final int requests;
  private final Consumer<String> progress;
  private final List<Row> ratios = new ArrayList<>();
  private final List<Row> details = new ArrayList<>();

  PoolFigure(DevicePlatform platform, int requests, Consumer<String> progress) {
    this.platform = platform;
    this.requests = requests;
    this.progress = progress;
  }

  /**
   * Runs them.
   *
   * @param pools sizes, in longest sequences
   */
  Figure figure(List<Double> pools) {
    pools.forEach(this::run);
    List<Row> rows = new ArrayList<>(ratios);
    rows.addAll(details);
    return new Figure(
        "12, real: pools",
        "Throughput over the Orcas' by the size of the pool: "
            + platform.name()
            + RealEvaluation.longest(platform, ", "),
        "",
        rows,
        "ShareGPT-like lengths, sequences "
            + RealEvaluation.ofThePaper(platform)
            + ", "
            + requests
            + " requests that are there from the start; tokens a second until three quarters are"
            + " out. OPT-13B's memory holds 7.7 of the longest sequences: of the sizes here it is"
            + " the one that the paper's values belong to. A larger pool gives Orca's systems"
            + " batches at which a step already takes longer for each sequence more, and paging"
            + " gains less; in a smaller one Orca (Max) hardly batches at all.",
        null);
  }

  private void run(double pool) {
    Platform within = platform.within(pool);
    String label = "pool of " + RealEvaluation.sequences(pool) + ": ";
    boolean papers = Math.abs(pool - DevicePlatform.FULL_SEQUENCES) < 0.1;
    double[] throughputs = new double[3];
    for (int i = 0; i < 3; i++) {
      ServingSystem system = RealEvaluation.COMPARED.get(i);
      ServingRun.Result result =
          ServingRun.run(
              ServingRun.Setup.of(
                      system,
                      within,
                      Trace.SHARE_GPT.scaled(platform.scale()),
                      Double.POSITIVE_INFINITY)
                  .withRequests(requests));
      throughputs[i] = result.throughput();
      String of = label + system.label() + ", ";
      details.add(Row.ours(of + "tokens a second", result.throughput()));
      details.add(Row.ours(of + "requests batched", result.batched()));
      details.add(Row.ours(of + "step of single tokens, ms", result.steps().singleMillis()));
      if (system.paged()) {
        details.add(Row.ours(of + "preemptions", (double) result.preemptions()));
      }
    }
    for (int i = 0; i < 2; i++) {
      ratios.add(
          new Row(
              label + "Quire over " + RealEvaluation.COMPARED.get(i).label(),
              papers ? PAPER[i] : Double.NaN,
              throughputs[2] / throughputs[i]));
    }
    progress.accept(
        String.format(
            Locale.ROOT,
            "%s%.0f, %.0f, %.0f tokens/s: %.2f and %.2f times the Orcas'",
            label,
            throughputs[0],
            throughputs[1],
            throughputs[2],
            throughputs[2] / throughputs[0],
            throughputs[2] / throughputs[1]));
  }
}
