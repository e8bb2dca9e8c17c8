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

  private ServingRun.Setup setup(ServingSystem system, Platform model, Trace trace, double rate) {
    return ServingRun.Setup.of(system, model, trace, rate).withSeconds(seconds);
  }

  List<Figure> latencies() {
    List<Figure> figures = new ArrayList<>();
    for (LatencyCase c : LatencyCase.values()) {
      figures.add(latencies(c));
    }
    return figures;
  }

  private Figure latencies(LatencyCase c) {
    String label = c.model().name() + ", " + c.trace().name();
    double knee = c.knee(3);
    List<Query> queries = new ArrayList<>();
    for (ServingSystem system : ServingSystem.values()) {
      queries.add(
          new Query(system.label(), setup(system, c.model(), c.trace(), 1), knee / 64, knee * 4));
    }
    if (c == LatencyCase.ALPACA_175B) {
      Platform seats = new Experiment(c.model(), 2048, Experiment.Change.NOTHING);
      for (ServingSystem system : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
        queries.add(new Query(system.label(), setup(system, seats, c.trace(), 1), 1, knee * 8));
      }
    }
    List<Found> found = RateSearch.all(queries);
    double paged = found.get(4).rate();
    List<Row> rows = new ArrayList<>();
    rows.add(Row.ours(found.getFirst().what() + ", requests a second", found.getFirst().rate()));
    for (int i = 0; i < 4; i++) {
      Found f = found.get(i + 1);
      rows.add(new Row(f.what() + ", requests a second", c.knee(i), f.rate()));
    }
    for (int i = 0; i < 3; i++) {
      double ours = paged / found.get(i + 1).rate();
      rows.add(new Row("Quire over " + ORCAS.get(i).label(), knee / c.knee(i), ours));
    }
    rows.add(Row.ours("Quire over FasterTransformer", paged / found.getFirst().rate()));
    if (found.size() > 5) {
      rows.add(
          Row.ours(
              "Quire over Orca (Oracle), up to 2048 sequences at once",
              found.get(6).rate() / found.get(5).rate()));
    }
    return new Figure(
        "12",
        "The rate sustained at 0.5 s a token of normalised latency: " + label,
        "",
        rows,
        c.remark(),
        new Plot(
            "figure12-" + (c.model().name() + "-" + c.trace().name()).toLowerCase(Locale.ROOT),
            "requests a second",
            "normalised latency, s a token",
            true,
            1,
            found.subList(0, 5).stream().map(Found::line).toList()));
  }

  Figure decodingMethods() {
    List<Query> queries = new ArrayList<>();
    List<String> labels = new ArrayList<>();
    Platform usual = ServedModel.OPT_13B;
    Platform slowHost = Experiment.of(ServedModel.OPT_13B, Experiment.Change.HOST_BY_SEQUENCE);
    for (Platform platform : List.of(usual, slowHost)) {
      String host = platform == usual ? "" : ", 0.1 ms of host for each sequence";
      for (boolean beams : new boolean[] {false, true}) {
        for (int samples : platform == usual ? new int[] {1, 2, 4, 6} : new int[] {1, 6}) {
          if (beams && samples == 1) {
            continue;
          }
          labels.add(
              (samples == 1 ? "one output" : samples + (beams ? " beams" : " samples")) + host);
          for (ServingSystem s : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
            ServingRun.Setup setup =
                setup(s, platform, Trace.ALPACA, 1)
                    .withSeconds(seconds / 4)
                    .withSamples(samples, beams);
            queries.add(new Query(s.label(), setup, 1.0 / samples, 100.0 / samples));
          }
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
            + " the other figures. On Alpaca the paper batches 1.8 times as many requests as Oracle"
            + " (Figure 13), and so do we, but its rate gains 1.3: there a step takes longer for"
            + " each sequence more than its keys and values explain. The rows with 0.1 ms of host"
            + " for each sequence of a step are the experiment: a third of the difference for one"
            + " output, nearly half for six beams.",
        null);
  }

  Figure sharedPrefixes() {
    record Case(String label, Platform platform, double meanPrompt, double meanOutput) {}
    ServedModel model = ServedModel.LLAMA_13B;
    List<Case> cases =
        List.of(
            new Case("", model, 35, 45),
            new Case(
                ", shared blocks in the L2 cache",
                Experiment.of(model, Experiment.Change.SHARED_IN_CACHE),
                35,
                45),
            new Case(", sentences of 25 in and 30 out", model, 25, 30),
            new Case(", sentences of 50 in and 60 out", model, 50, 60));
    int[] prefixes = {80, 341};
    List<Query> queries = new ArrayList<>();
    for (Case c : cases) {
      for (int prefix : prefixes) {
        Trace trace = Trace.translation(prefix, c.meanPrompt, c.meanOutput);
        for (ServingSystem s : List.of(ServingSystem.ORCA_ORACLE, ServingSystem.PAGED)) {
          ServingRun.Setup setup = setup(s, c.platform, trace, 1).withSeconds(seconds / 4);
          queries.add(new Query(s.label(), setup, 1, 256));
        }
      }
    }
    List<Found> found = RateSearch.all(queries);
    double[] paper = {1.67, 3.58};
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 2 * cases.size(); i++) {
      rows.add(
          new Row(
              "prefix of " + prefixes[i % 2] + " tokens" + cases.get(i / 2).label,
              paper[i % 2],
              found.get(2 * i + 1).rate() / found.get(2 * i).rate()));
    }
    return new Figure(
        "16",
        "Sustained rate over Orca (Oracle)'s with a prefix that all prompts share: LLaMA-13B",
        "×",
        rows,
        "As in the paper, Orca (Oracle) keeps and computes the prefix for each request, Quire once"
            + " for all. The sentences' lengths were not published: log-normal with means of 35 in"
            + " and 45 out, σ = 0.5. A quarter of the arrival time of the other figures. The"
            + " step-time model lets every sequence read its whole context from memory, the shared"
            + " prefix too, which is what limits Quire's 200 sequences at 341 tokens. A layer's"
            + " part of that prefix is 7 MB, and an A100's L2 cache has 40 MB: in the first"
            + " experiment a block that several sequences share is read from memory once a step,"
            + " and for the others from the L2 cache, at 60 % of its 7.2 TB/s. The paper's 3.58"
            + " lies between the two. The last rows have other sentences: the shorter they are, the"
            + " more of Orca's work is the prefix.",
        null);
  }

  Figure chat() {
    record Case(String label, Platform platform, Trace trace) {}
    ServedModel model = ServedModel.OPT_13B;
    Platform free = Experiment.of(model, Experiment.Change.FREE_CACHE);
    List<Case> cases =
        List.of(
            new Case("", model, Trace.CHAT),
            new Case(", three prompts in ten shorter", model, Trace.SHORTER_CHAT),
            new Case(
                ", paged keys and values read as fast as contiguous ones",
                Experiment.of(model, Experiment.Change.CONTIGUOUS_SPEED),
                Trace.CHAT),
            new Case(", keys and values read in no time", free, Trace.CHAT),
            new Case(
                ", keys and values read in no time, three prompts in ten shorter",
                free,
                Trace.SHORTER_CHAT));
    List<ServingSystem> systems = new ArrayList<>(ORCAS);
    systems.add(ServingSystem.PAGED);
    List<Query> queries = new ArrayList<>();
    for (Case c : cases) {
      for (ServingSystem s : systems) {
        queries.add(new Query(s.label(), setup(s, c.platform, c.trace, 1), 0.05, 5));
      }
    }
    List<Found> found = RateSearch.all(queries);
    List<ServingRun.Result> full =
        systems.parallelStream()
            .map(s -> ServingRun.run(setup(s, ServedModel.OPT_13B, Trace.CHAT, 1.5)))
            .toList();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      double ratio = found.get(3).rate() / found.get(i).rate();
      rows.add(new Row("over " + found.get(i).label(), 2, ratio));
    }
    rows.add(Row.ours("batched over Orca (Max)", full.get(3).batched() / full.get(0).batched()));
    for (int i = 1; i < cases.size(); i++) {
      double ratio = found.get(4 * i + 3).rate() / found.get(4 * i).rate();
      rows.add(new Row("over Orca (Max)" + cases.get(i).label, 2, ratio));
    }
    return new Figure(
        "17",
        "Sustained rate over the Orcas' in conversations: OPT-13B, prompts of 1024 tokens",
        "×",
        rows,
        "Every prompt is taken to have the full 1024 tokens, so that each Orca reserves 2048 and"
            + " runs seven. A conversation holds 1390 slots of paged memory on average over its"
            + " time, so 1.6 times as many run at once; even if all outputs had the same length,"
            + " memory would hold 1.9 times as many. So prompts of 1024 alone cannot give the"
            + " paper's 2: most of its prompts had that length, not all. The rows below change one"
            + " thing: three prompts in ten shorter (log-normal, clipped at 1024); no penalty of 25"
            + " % for the paged kernel; keys and values read in no time, which shows what reading"
            + " 1.6 times as many of them takes back; and this with the shorter prompts. What is"
            + " left between 1.8 and 2 would be the paper's Orca itself: here it has Quire's"
            + " scheduler and steps.",
        new Plot(
            "figure17",
            "requests a second",
            "normalised latency, s a token",
            true,
            1,
            found.subList(0, 4).stream().map(Found::line).toList()));
  }
}
