package dev.quire.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import org.HdrHistogram.Histogram;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What a load of requests saw: latencies as histograms, rates, and errors. */
public final class ServeReport {
  private static final long LONGEST_MICROS = 3_600_000_000L;
  private static final double[] PERCENTILES = {50, 90, 95, 99, 99.9};

  private final ServeBench.Plan plan;
  private final List<ServeBench.Outcome> outcomes;
  private final double seconds;
  private final Histogram firstToken = histogram();
  private final Histogram perToken = histogram();
  private final Histogram gap = histogram();
  private final Histogram total = histogram();
  private long promptTokens;
  private long outputTokens;
  private int failed;

  ServeReport(ServeBench.Plan plan, List<ServeBench.Outcome> outcomes, double seconds) {
    this.plan = plan;
    this.outcomes = List.copyOf(outcomes);
    this.seconds = seconds;
    for (ServeBench.Outcome o : this.outcomes) {
      if (o.problem() != null) {
        failed++;
        continue;
      }
      record(firstToken, o.firstToken());
      record(total, o.total());
      o.gaps().forEach(g -> record(gap, g));
      if (o.outputTokens() > 1) {
        record(perToken, (o.total() - o.firstToken()) / (o.outputTokens() - 1));
      }
      promptTokens += o.promptTokens();
      outputTokens += o.outputTokens();
    }
  }

  private static Histogram histogram() {
    return new Histogram(LONGEST_MICROS, 3);
  }

  private static void record(Histogram histogram, long nanos) {
    histogram.recordValue(Math.clamp(nanos / 1000, 0, LONGEST_MICROS));
  }

  /** Requests that failed. */
  public int failed() {
    return failed;
  }

  /** Requests a second that kept both targets, in milliseconds. */
  public double goodput(double firstTokenMillis, double perTokenMillis) {
    long good =
        outcomes.stream()
            .filter(o -> o.problem() == null && o.firstToken() <= firstTokenMillis * 1e6)
            .filter(
                o ->
                    o.outputTokens() < 2
                        || (o.total() - o.firstToken()) / (o.outputTokens() - 1.0)
                            <= perTokenMillis * 1e6)
            .count();
    return good / seconds;
  }

  /** All figures; times in milliseconds. */
  public ObjectNode json(double firstTokenMillis, double perTokenMillis) {
    ObjectNode root = new JsonMapper().createObjectNode();
    root.put("url", plan.url().toString());
    root.put("model", plan.model());
    root.put("requests", outcomes.size());
    root.put("failed", failed);
    root.put("rate", plan.rate());
    root.put("concurrency", plan.concurrency());
    root.put("seed", plan.seed());
    root.put("seconds", seconds);
    root.put("requestsPerSecond", (outcomes.size() - failed) / seconds);
    root.put("promptTokens", promptTokens);
    root.put("outputTokens", outputTokens);
    root.put("outputTokensPerSecond", outputTokens / seconds);
    root.put("goodputRequestsPerSecond", goodput(firstTokenMillis, perTokenMillis));
    root.putObject("goodputTargetMillis").put("ttft", firstTokenMillis).put("tpot", perTokenMillis);
    figures(root.putObject("ttftMillis"), firstToken);
    figures(root.putObject("tpotMillis"), perToken);
    figures(root.putObject("itlMillis"), gap);
    figures(root.putObject("e2eMillis"), total);
    outcomes.stream()
        .filter(o -> o.problem() != null)
        .findFirst()
        .ifPresent(o -> root.put("firstProblem", o.problem()));
    return root;
  }

  private static void figures(ObjectNode node, Histogram histogram) {
    node.put("mean", histogram.getMean() / 1000);
    for (double p : PERCENTILES) {
      node.put("p" + (p == Math.rint(p) ? "" + (int) p : "" + p), at(histogram, p));
    }
    node.put("max", histogram.getMaxValue() / 1000.0);
  }

  private static double at(Histogram histogram, double percentile) {
    return histogram.getValueAtPercentile(percentile) / 1000.0;
  }

  /** A few lines for people; the goodput's targets are in milliseconds. */
  public String text(double firstTokenMillis, double perTokenMillis) {
    Formatter text = new Formatter(Locale.ROOT);
    text.format(
        "%d requests in %.1f s, %d failed; %.2f requests/s, %.1f output tokens/s\n",
        outcomes.size(),
        seconds,
        failed,
        (outcomes.size() - failed) / seconds,
        outputTokens / seconds);
    text.format(
        "goodput %.2f requests/s within %.0f ms to the first token and %.0f ms a further one\n",
        goodput(firstTokenMillis, perTokenMillis), firstTokenMillis, perTokenMillis);
    text.format("%-22s %10s %10s %10s %10s\n", "milliseconds", "mean", "p50", "p90", "p99");
    row(text, "time to first token", firstToken);
    row(text, "time per output token", perToken);
    row(text, "between tokens", gap);
    row(text, "whole request", total);
    return text.toString();
  }

  private static void row(Formatter text, String name, Histogram h) {
    text.format(
        "%-22s %10.1f %10.1f %10.1f %10.1f\n",
        name, h.getMean() / 1000, at(h, 50), at(h, 90), at(h, 99));
  }

  /** Draws the latencies over their percentiles into a PNG file. */
  public void plot(Path file) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(560)
            .title("Latency by percentile: " + plan.model())
            .xAxisTitle("percentile")
            .yAxisTitle("milliseconds")
            .build();
    chart.getStyler().setYAxisLogarithmic(true).setMarkerSize(0);
    series(chart, "time to first token", firstToken);
    series(chart, "time per output token", perToken);
    series(chart, "between tokens", gap);
    series(chart, "whole request", total);
    ChartEncoder.saveChart(chart, file.toString(), "png");
  }

  private static void series(XYChart chart, String name, Histogram histogram) {
    if (histogram.getTotalCount() == 0) {
      return;
    }
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (int p = 0; p < 100; p++) {
      x.add((double) p);
      y.add(Math.max(0.001, at(histogram, p)));
    }
    chart.addSeries(name, x, y);
  }
}
