package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.bench.paper.RateSearch.Found;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Figure 12 with a real model: the rates that systems sustain at the same normalised latency, and
 * what they do when full.
 */
final class RealRates {
  // Of a lone request's latency: as the paper's half second is of OPT-13B's, 33 ms by StepTime.
  private static final double LATENCY_FACTOR = 15;

  private static final int RATE_STEPS = 5;
  // Of what a system serves when full: what it sustains while requests arrive for seconds is mostly
  // in between.
  private static final double LEAST_LOAD = 0.8;
  private static final double MOST_LOAD = 1.6;

  // What the paper says of OPT-13B on ShareGPT, in the order of COMPARED: requests a second read
  // off
  // Figure 12, requests batched of Figure 13, token states of Figure 2 in percent.
  private static final double[] RATES = {0.5, 1.1, 1.9};
  private static final double[] BATCHED = {7.00, 13.62, 30.42};
  private static final double[] SHARES = {20.4, 38.2, 96.3};

  private final RealEvaluation.Options options;
  private final Consumer<String> progress;

  RealRates(RealEvaluation.Options options, Consumer<String> progress) {
    this.options = options;
    this.progress = progress;
  }

  /** The rates, batches, shares and steps of the systems that are compared. */
  Figure figure(DevicePlatform platform) {
    Trace trace = Trace.SHARE_GPT.scaled(platform.scale());
    ServingRun.run(options.together(ServingSystem.PAGED, platform, trace)); // compiles what is met
    double lone =
        ServingRun.run(
                options
                    .together(ServingSystem.PAGED, platform, trace)
                    .withRequests(5)
                    .withRate(1e-3))
            .latency();
    double limit = LATENCY_FACTOR * lone;
    List<ServingRun.Result> full = new ArrayList<>();
    for (ServingSystem system : RealEvaluation.COMPARED) {
      full.add(ServingRun.run(options.together(system, platform, trace)));
    }
    List<Found> found = new ArrayList<>();
    for (ServingRun.Result result : full) {
      found.add(search(result, platform, trace, limit));
    }
    String title =
        String.format(
            Locale.ROOT,
            "The rate sustained at a normalised latency of %.3g s a token: %s",
            limit,
            platform.name() + RealEvaluation.longest(platform, ", "));
    Plot plot =
        new Plot(
            "figure12-real-" + RealEvaluation.fileName(platform),
            "requests a second",
            "normalised latency, s a token",
            true,
            3 * limit,
            found.stream().map(Found::line).toList());
    return new Figure("12, real", title, "", rows(lone, found, full), remark(platform), plot)
        .withTimes(
            full.stream()
                .map(r -> new Figure.Times(r.setup().system().label(), r.steps().parts()))
                .toList());
  }

  /**
   * The rate that a system sustains.
   *
   * @param full its run with all requests there from the start
   */
  private Found search(ServingRun.Result full, DevicePlatform platform, Trace trace, double limit) {
    ServingSystem system = full.setup().system();
    double capacity = full.throughput() / trace.meanOutput();
    Found found =
        new RateSearch.Query(
                system.label(),
                ServingRun.Setup.of(system, platform, trace, Double.POSITIVE_INFINITY)
                    .withSeconds(options.seconds()),
                LEAST_LOAD * capacity,
                MOST_LOAD * capacity,
                limit,
                RATE_STEPS)
            .search();
    progress.accept(
        String.format(
            Locale.ROOT,
            "%s: %.2f requests a second at %.3g s a token; full: %.2f, %.1f at once, %.0f tokens/s",
            found.what(),
            found.rate(),
            limit,
            capacity,
            full.batched(),
            full.throughput()));
    return found;
  }

  private static List<Row> rows(double lone, List<Found> found, List<ServingRun.Result> full) {
    List<Row> rows = new ArrayList<>();
    rows.add(Row.ours("lone request: s a token", lone));
    for (Found each : found) {
      rows.add(Row.ours(each.what() + ": requests a second", each.rate()));
    }
    for (int i = 0; i < 2; i++) {
      double ratio = found.get(2).rate() / found.get(i).rate();
      rows.add(
          new Row(
              "Quire over " + RealEvaluation.COMPARED.get(i).label() + ": rate",
              RATES[2] / RATES[i],
              ratio));
    }
    for (int i = 0; i < RealEvaluation.COMPARED.size(); i++) {
      String label = RealEvaluation.COMPARED.get(i).label();
      ServingRun.Result result = full.get(i);
      rows.add(new Row(label + ": requests batched", BATCHED[i], result.batched()));
      rows.add(new Row(label + ": token states, %", SHARES[i], 100 * result.tokenShare()));
      rows.add(Row.ours(label + ": tokens a second when full", result.throughput()));
      rows.addAll(result.steps().rows(label));
      rows.add(Row.ours(label + ": preemptions", (double) result.preemptions()));
      rows.add(
          Row.ours(
              label + ": memory free while requests wait, %", 100 * result.steps().freeShare()));
    }
    return rows;
  }

  private String remark(DevicePlatform platform) {
    return "ShareGPT-like lengths, sequences "
        + RealEvaluation.ofThePaper(platform)
        + ", a pool of "
        + RealEvaluation.sequences(platform.pool())
        + " of the longest. The limit is fifteen times a lone request's latency. Rates are found to"
        + " 2 % by runs in which requests arrive for "
        + String.format(Locale.ROOT, "%.0f", options.seconds())
        + " seconds. A backlog that grows that long can stay within the limit, for every system"
        + " alike: rates lie above what is served when full. Batches, shares and steps are those of"
        + " runs in which "
        + options.requests()
        + " requests are there from the start, to their end. The paper's values are OPT-13B's. A"
        + " step's mean time is the batch over the tokens a second: it grows with the sequences in"
        + " it and with the prompts that it computes beside them, so that rates gain less than"
        + " batches do: of Quire's steps more have prompts beside their single tokens, as the same"
        + " requests begin in fewer steps, and preempted ones once more."
        + RealEvaluation.remark();
  }
}
