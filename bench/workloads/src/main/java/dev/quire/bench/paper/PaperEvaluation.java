package dev.quire.bench.paper;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The paper's figures in simulated time, each with what the paper says. */
public final class PaperEvaluation {
  private final Map<String, Supplier<List<Figure>>> figures = new LinkedHashMap<>();
  private final double seconds;
  private final Consumer<String> progress;

  /** Seconds of arrivals in each run, unless others are asked for. */
  public static final double USUAL_SECONDS = 1000;

  /**
   * @param seconds of arrivals in each simulation
   * @param progress told of each figure as it begins
   */
  public PaperEvaluation(double seconds, Consumer<String> progress) {
    this.seconds = seconds;
    this.progress = progress;
    var memory = new MemoryFigures(seconds);
    var rates = new RateFigures(seconds);
    var costs = new CostFigures(seconds);
    figures.put("table1", () -> List.of(memory.table1()));
    figures.put("2", () -> List.of(memory.memoryShares()));
    figures.put("12", rates::latencies);
    figures.put("13", () -> List.of(memory.batched()));
    figures.put("14", () -> List.of(rates.decodingMethods()));
    figures.put("15", () -> List.of(memory.savings()));
    figures.put("16", () -> List.of(rates.sharedPrefixes()));
    figures.put("17", () -> List.of(rates.chat()));
    figures.put("18b", () -> List.of(costs.blockSizes()));
    figures.put("19", () -> List.of(costs.swapOrRecompute()));
    figures.put("sensitivity", () -> List.of(costs.sensitivity()));
  }

  /** What {@link #run} takes, in the paper's order. */
  public List<String> names() {
    return List.copyOf(figures.keySet());
  }

  /**
   * Makes figures.
   *
   * @param names of {@link #names}
   */
  public List<Figure> run(List<String> names) {
    List<Figure> made = new ArrayList<>();
    for (String name : names) {
      Supplier<List<Figure>> figure = figures.get(name);
      if (figure == null) {
        throw new IllegalArgumentException("no figure " + name);
      }
      progress.accept("figure " + name + ", simulated");
      String command = "quire bench paper --figures " + name + times();
      figure.get().forEach(f -> made.add(f.madeBy(command, "")));
    }
    return made;
  }

  private String times() {
    return seconds == USUAL_SECONDS ? "" : String.format(Locale.ROOT, " --seconds %s", seconds);
  }
}
