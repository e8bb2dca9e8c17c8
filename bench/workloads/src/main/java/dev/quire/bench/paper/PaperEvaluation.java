package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Line;
import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.bench.paper.RateSearch.Found;
import dev.quire.bench.paper.RateSearch.Query;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** The paper's figures in simulated time, each with what the paper says. */
public final class PaperEvaluation {
  private static final List<ServingSystem> ORCAS =
      List.of(ServingSystem.ORCA_MAX, ServingSystem.ORCA_POW2, ServingSystem.ORCA_ORACLE);

  private final double seconds;
  private final Consumer<String> progress;

  /**
   * @param seconds of arrivals in each simulation
   * @param progress told of each figure as it begins
   */
  public PaperEvaluation(double seconds, Consumer<String> progress) {
    this.seconds = seconds;
    this.progress = progress;
  }

  /** All figures that simulated time can give. */
  public List<Figure> run() {
    List<Figure> figures = new ArrayList<>();
    figures.add(table1());
    figures.add(memoryShares());
    figures.addAll(latencies());
    figures.add(batched());
    figures.add(decodingMethods());
    figures.add(savings());
    figures.add(realSavings());
    figures.add(sharedPrefixes());
    figures.add(chat());
    figures.add(blockSizes());
    figures.add(swapOrRecompute());
    figures.add(sensitivity());
    return figures;
  }

  private Simulation.Setup setup(
      ServingSystem system, ServedModel model, Trace trace, double rate) {
    return Simulation.Setup.of(system, model, trace, rate).withSeconds(seconds);
  }

  private Figure table1() {
    List<Row> rows = new ArrayList<>();
    double[] paperSlots = {15.7e3, 9.7e3, 60.1e3};
    double[] paperGib = {12, 21, 264};
    List<ServedModel> models =
        List.of(ServedModel.OPT_13B, ServedModel.OPT_66B, ServedModel.OPT_175B);
    for (int i = 0; i < models.size(); i++) {
      ServedModel m = models.get(i);
      double left = 0.95 * m.gpus() * m.gpuMemory() - m.weightBytes();
      rows.add(new Row(m.name() + ": GB for keys and values", paperGib[i], left / 1e9));
      rows.add(new Row(m.name() + ": token slots in the paper's memory", paperSlots[i], m.slots()));
    }
    rows.add(
        new Row(
            "OPT-13B: KB of keys and values a token",
            800,
            ServedModel.OPT_13B.kvBytesPerToken() / 1024));
    return new Figure(
        "Table 1",
        "Models and their memory",
        "",
        rows,
        "Ours for the memory: 95 % of the GPUs' less the weights, nothing for activations. The"
            + " simulations use the paper's own memory sizes.",
        null);
  }

  private Figure memoryShares() {
    progress.accept("Figure 2");
    List<ServingSystem> systems =
        List.of(
            ServingSystem.ORCA_MAX,
            ServingSystem.ORCA_POW2,
            ServingSystem.ORCA_ORACLE,
            ServingSystem.PAGED);
    double[][] paper = {
      {20.4, 13.3, 57.3, 8.9},
      {26.8, 17.9, 13.6, 41.6},
      {38.2, 25.2, Double.NaN, 36.6},
      {96.3, Double.NaN, Double.NaN, Double.NaN}
    };
    List<Simulation.Result> results =
        systems.parallelStream()
            .map(s -> Simulation.run(setup(s, ServedModel.OPT_13B, Trace.SHARE_GPT, 2)))
            .toList();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < systems.size(); i++) {
      Simulation.Result r = results.get(i);
      String label = systems.get(i).label();
      rows.add(new Row(label + ": token states", paper[i][0], 100 * r.tokenShare()));
      rows.add(new Row(label + ": reserved", paper[i][1], 100 * r.reservedShare()));
      rows.add(new Row(label + ": internal", paper[i][2], 100 * r.internalShare()));
      rows.add(new Row(label + ": external", paper[i][3], 100 * r.externalShare()));
    }
    return new Figure(
        "2",
        "What KV memory holds: OPT-13B, ShareGPT-like lengths, 2 requests a second",
        "% of the memory held",
        rows,
        "Means over time, every token counted. The paper does not say how it divides what no token"
            + " will use into internal and external; here external is what the buddy allocator adds"
            + " to a reservation, and free memory while a request waits that it cannot hold.",
        null);
  }

  private List<Figure> latencies() {
    record Case(ServedModel model, Trace trace, double[] knees) {}
    List<Case> cases =
        List.of(
            new Case(ServedModel.OPT_13B, Trace.SHARE_GPT, new double[] {.5, .75, 1.1, 1.9}),
            new Case(ServedModel.OPT_66B, Trace.SHARE_GPT, new double[] {.2, .4, .65, .95}),
            new Case(ServedModel.OPT_175B, Trace.SHARE_GPT, new double[] {1, 1.5, 1.8, 2.4}),
            new Case(ServedModel.OPT_13B, Trace.ALPACA, new double[] {7, 13, 20, 28}),
            new Case(ServedModel.OPT_66B, Trace.ALPACA, new double[] {5, 9, 13, 18}),
            new Case(ServedModel.OPT_175B, Trace.ALPACA, new double[] {6, 13, 16, 20}));
    List<Figure> figures = new ArrayList<>();
    for (Case c : cases) {
      String label = c.model.name() + ", " + c.trace.name();
      progress.accept("Figure 12: " + label);
      List<Query> queries = new ArrayList<>();
      for (ServingSystem system : ServingSystem.values()) {
        queries.add(
            new Query(
                system.label(),
                setup(system, c.model, c.trace, 1),
                c.knees[3] / 64,
                c.knees[3] * 4));
      }
      List<Found> found = RateSearch.all(queries);
      double paged = found.getLast().rate();
      List<Row> rows = new ArrayList<>();
      rows.add(Row.ours("FasterTransformer, requests a second", found.getFirst().rate()));
      for (int i = 0; i < 4; i++) {
        Found f = found.get(i + 1);
        rows.add(new Row(f.label() + ", requests a second", c.knees[i], f.rate()));
      }
      for (int i = 0; i < 3; i++) {
        double ours = paged / found.get(i + 1).rate();
        rows.add(new Row("Quire over " + ORCAS.get(i).label(), c.knees[3] / c.knees[i], ours));
      }
      rows.add(Row.ours("Quire over FasterTransformer", paged / found.getFirst().rate()));
      figures.add(
          new Figure(
              "12",
              "The rate sustained at 0.5 s a token of normalised latency: " + label,
              "",
              rows,
              "The paper's rates are read off its plots.",
              new Plot(
                  "figure12-" + (c.model.name() + "-" + c.trace.name()).toLowerCase(Locale.ROOT),
                  "requests a second",
                  "normalised latency, s a token",
                  true,
                  1,
                  found.stream().map(Found::line).toList())));
    }
    return figures;
  }

  private Figure batched() {
    progress.accept("Figure 13");
    double[] shareGpt = {7.00, 9.81, 13.62, 30.42};
    double[] alpaca = {7.00, 43.24, 72.75, 132.44};
    List<ServingSystem> systems = new ArrayList<>(ORCAS);
    systems.add(ServingSystem.PAGED);
    List<Row> rows = new ArrayList<>();
    addBatched(rows, systems, Trace.SHARE_GPT, 2, shareGpt);
    addBatched(rows, systems, Trace.ALPACA, 30, alpaca);
    return new Figure(
        "13",
        "Requests batched at once: OPT-13B, ShareGPT at 2 and Alpaca at 30 requests a second",
        "requests",
        rows,
        "Means over time while requests arrive.",
        null);
  }

  private void addBatched(
      List<Row> rows, List<ServingSystem> systems, Trace trace, double rate, double[] paper) {
    List<Simulation.Result> results =
        systems.parallelStream()
            .map(s -> Simulation.run(setup(s, ServedModel.OPT_13B, trace, rate)))
            .toList();
    double paged = results.getLast().batched();
    for (int i = 0; i < systems.size(); i++) {
      String label = trace.name() + ": " + systems.get(i).label();
      rows.add(new Row(label, paper[i], results.get(i).batched()));
    }
    rows.add(
        new Row(
            trace.name() + ": Quire over Orca (Oracle)",
            paper[3] / paper[2],
            paged / results.get(2).batched()));
    rows.add(
        new Row(
            trace.name() + ": Quire over Orca (Max)",
            paper[3] / paper[0],
            paged / results.get(0).batched()));
  }

  private Figure decodingMethods() {
    progress.accept("Figure 14");
    List<Query> queries = new ArrayList<>();
    List<String> labels = new ArrayList<>();
    for (boolean beams : new boolean[] {false, true}) {
      for (int samples : new int[] {1, 2, 4, 6}) {
        if (beams && samples == 1) {
          continue;
        }
        labels.add(samples == 1 ? "one output" : samples + (beams ? " beams" : " samples"));
        for (ServingSystem s : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
          Simulation.Setup setup =
              setup(s, ServedModel.OPT_13B, Trace.ALPACA, 1)
                  .withSeconds(seconds / 4)
                  .withSamples(samples, beams);
          queries.add(new Query(s.label(), setup, 1.0 / samples, 100.0 / samples));
        }
      }
    }
    List<Found> found = RateSearch.all(queries);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      double paper =
          switch (labels.get(i)) {
            case "one output" -> 1.3;
            case "6 beams" -> 2.3;
            default -> Double.NaN;
          };
      double ratio = found.get(2 * i + 1).rate() / found.get(2 * i).rate();
      rows.add(new Row(labels.get(i), paper, ratio));
    }
    return new Figure(
        "14",
        "Sustained rate over Orca (Oracle)'s by decoding method: OPT-13B, Alpaca",
        "×",
        rows,
        "Which beams go on is drawn here, not computed by a model. A quarter of the arrival time of"
            + " the other figures.",
        null);
  }

  private Figure savings() {
    progress.accept("Figure 15");
    record Case(Trace trace, double rate, boolean beams, int samples, double paper) {}
    List<Case> cases =
        List.of(
            new Case(Trace.ALPACA, 4, false, 2, 6.09),
            new Case(Trace.ALPACA, 4, false, 4, 8.53),
            new Case(Trace.ALPACA, 4, false, 6, 9.79),
            new Case(Trace.ALPACA, 4, true, 2, 37.56),
            new Case(Trace.ALPACA, 4, true, 4, 53.13),
            new Case(Trace.ALPACA, 4, true, 6, 55.16),
            new Case(Trace.SHARE_GPT, 0.3, false, 2, 16.2),
            new Case(Trace.SHARE_GPT, 0.3, false, 6, 30.5),
            new Case(Trace.SHARE_GPT, 0.3, true, 2, 44.3),
            new Case(Trace.SHARE_GPT, 0.3, true, 6, 66.3));
    List<Row> rows =
        cases.parallelStream()
            .map(
                c -> {
                  Simulation.Setup setup =
                      setup(ServingSystem.PAGED, ServedModel.OPT_13B, c.trace, c.rate)
                          .withSamples(c.samples, c.beams);
                  double saved = 100 * Simulation.run(setup).savedShare();
                  String label =
                      c.trace.name() + ": " + c.samples + (c.beams ? " beams" : " samples");
                  return new Row(label, c.paper, saved);
                })
            .toList();
    return new Figure(
        "15",
        "Blocks saved by sharing, of those needed without: OPT-13B",
        "%",
        rows,
        "Which beams go on is drawn here; how much they share depends on how often one beam drives"
            + " out the others. The ends of the paper's range are compared for ShareGPT.",
        null);
  }

  private Figure realSavings() {
    progress.accept("Figure 15: real samples and beams");
    List<Double> shares = RealSharing.savedShares(2, 4, 6);
    double[] paper = {6.09, 8.53, 9.79, 37.56, 53.13, 55.16};
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < shares.size(); i++) {
      String label = 2 + 2 * (i % 3) + (i < 3 ? " samples" : " beams");
      rows.add(new Row(label, paper[i], shares.get(i)));
    }
    return new Figure(
        "15, real",
        "Blocks saved by sharing in the engine itself: the embedded model, Alpaca-like lengths",
        "%",
        rows,
        "No simulation: the engine's own samples and beam searches on the CPU, its block pool looked"
            + " at every 20 ms. 24 requests, clipped to the model's context; prompts are text that"
            + " the model wrote. How alike beams are is the model's matter, a small one of"
            + " Shakespeare's English here and OPT-13B in the paper.",
        null);
  }

  private Figure sharedPrefixes() {
    progress.accept("Figure 16");
    List<Query> queries = new ArrayList<>();
    for (int prefix : new int[] {80, 341}) {
      for (ServingSystem s : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
        Simulation.Setup setup =
            setup(s, ServedModel.LLAMA_13B, Trace.translation(prefix), 1).withSeconds(seconds / 4);
        queries.add(new Query(s.label(), setup, 1, 256));
      }
    }
    List<Found> found = RateSearch.all(queries);
    List<Row> rows =
        List.of(
            new Row("prefix of 80 tokens", 1.67, found.get(1).rate() / found.get(0).rate()),
            new Row("prefix of 341 tokens", 3.58, found.get(3).rate() / found.get(2).rate()));
    return new Figure(
        "16",
        "Sustained rate over Orca (Oracle)'s with a prefix that all prompts share: LLaMA-13B",
        "×",
        rows,
        "The sentences' lengths were not published: log-normal with means of 35 in and 45 out, σ ="
            + " 0.5. A quarter of the arrival time of the other figures.",
        null);
  }

  private Figure chat() {
    progress.accept("Figure 17");
    List<Query> queries = new ArrayList<>();
    for (ServingSystem s : ServingSystem.values()) {
      if (s != ServingSystem.FASTER_TRANSFORMER) {
        queries.add(new Query(s.label(), setup(s, ServedModel.OPT_13B, Trace.CHAT, 1), 0.05, 5));
      }
    }
    List<Found> found = RateSearch.all(queries);
    double paged = found.getLast().rate();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      rows.add(new Row("over " + found.get(i).label(), 2, paged / found.get(i).rate()));
    }
    return new Figure(
        "17",
        "Sustained rate over the Orcas' in conversations: OPT-13B, prompts of 1024 tokens",
        "×",
        rows,
        "Every prompt is taken to have the full 1024 tokens, as most of the paper's had.",
        new Plot(
            "figure17",
            "requests a second",
            "normalised latency, s a token",
            true,
            1,
            found.stream().map(Found::line).toList()));
  }

  private Figure blockSizes() {
    progress.accept("Figure 18b");
    List<Integer> sizes = List.of(1, 2, 4, 8, 16, 32, 64, 128, 256);
    List<Line> lines = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    for (Trace trace : List.of(Trace.SHARE_GPT, Trace.ALPACA)) {
      double rate = trace == Trace.ALPACA ? 20 : 1.5;
      List<Double> latencies =
          sizes.parallelStream()
              .map(
                  size ->
                      Simulation.run(
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

  private Figure swapOrRecompute() {
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

  private Figure sensitivity() {
    progress.accept("Sensitivity");
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
      Simulation.Result result =
          Simulation.run(
              setup(
                  ServingSystem.PAGED,
                  ServedModel.OPT_13B,
                  Trace.SHARE_GPT.withSigma(sigmas[i]),
                  2));
      rows.add(new Row(label + ": token states, %", 96.3, 100 * result.tokenShare()));
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
