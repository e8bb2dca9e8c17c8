package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.bench.paper.RateSearch.Found;
import dev.quire.bench.paper.RateSearch.Query;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The rates that systems sustain, in simulated time: Figures 12, 14, 16 and 17. */
final class RateFigures {
  private static final List<ServingSystem> ORCAS =
      List.of(ServingSystem.ORCA_MAX, ServingSystem.ORCA_POW2, ServingSystem.ORCA_ORACLE);

  private final double seconds;

  /**
   * @param seconds of arrivals in each run
   */
  RateFigures(double seconds) {
    this.seconds = seconds;
  }

  private ServingRun.Setup setup(
      ServingSystem system, ServedModel model, Trace trace, double rate) {
    return ServingRun.Setup.of(system, model, trace, rate).withSeconds(seconds);
  }

  List<Figure> latencies() {
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

  Figure decodingMethods() {
    List<Query> queries = new ArrayList<>();
    List<String> labels = new ArrayList<>();
    for (boolean beams : new boolean[] {false, true}) {
      for (int samples : new int[] {1, 2, 4, 6}) {
        if (beams && samples == 1) {
          continue;
        }
        labels.add(samples == 1 ? "one output" : samples + (beams ? " beams" : " samples"));
        for (ServingSystem s : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
          ServingRun.Setup setup =
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

  Figure sharedPrefixes() {
    List<Query> queries = new ArrayList<>();
    for (int prefix : new int[] {80, 341}) {
      for (ServingSystem s : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
        ServingRun.Setup setup =
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

  Figure chat() {
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
}
