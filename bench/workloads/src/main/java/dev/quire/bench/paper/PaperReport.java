package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Line;
import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Figures as JSON, as plots, and as one page that puts the paper's values beside ours. */
public final class PaperReport {
  private static final int PLOT_WIDTH = 720;
  private static final int PLOT_HEIGHT = 420;

  private PaperReport() {}

  /** All values; those that the paper does not give are left out. */
  public static String json(List<Figure> figures) {
    JsonMapper mapper = new JsonMapper();
    ArrayNode array = mapper.createArrayNode();
    for (Figure figure : figures) {
      ObjectNode node = array.addObject();
      node.put("figure", figure.id());
      node.put("title", figure.title());
      node.put("unit", figure.unit());
      ArrayNode rows = node.putArray("rows");
      for (Row row : figure.rows()) {
        ObjectNode value = rows.addObject();
        value.put("what", row.what());
        if (!Double.isNaN(row.paper())) {
          value.put("paper", row.paper());
          value.put("ratio", row.ratio());
        }
        value.put("ours", row.ours());
      }
      node.put("remark", figure.remark());
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(array);
  }

  /**
   * Writes the page and its plots, which go to a folder {@code paper} beside it.
   *
   * @param command how to run it again
   */
  public static void write(Path page, List<Figure> figures, String command) throws IOException {
    Path folder = page.resolveSibling("paper");
    Files.createDirectories(folder);
    for (Figure figure : figures) {
      if (figure.plot() != null) {
        plot(folder, figure.plot());
      }
    }
    Files.writeString(page, markdown(figures, command));
  }

  private static void plot(Path folder, Plot plot) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(PLOT_WIDTH)
            .height(PLOT_HEIGHT)
            .xAxisTitle(plot.x())
            .yAxisTitle(plot.y())
            .build();
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setXAxisLogarithmic(plot.logX());
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
    if (plot.maxY() > 0) {
      chart.getStyler().setYAxisMin(0.0).setYAxisMax(plot.maxY());
    }
    for (Line line : plot.lines()) {
      chart
          .addSeries(line.label(), clip(line.x(), line, plot), clip(line.y(), line, plot))
          .setMarker(SeriesMarkers.CIRCLE);
    }
    BitmapEncoder.saveBitmap(
        chart, folder.resolve(plot.file() + ".png").toString(), BitmapEncoder.BitmapFormat.PNG);
  }

  /** The values at which the line is inside the axis. */
  private static double[] clip(List<Double> values, Line line, Plot plot) {
    double top = plot.maxY() > 0 ? plot.maxY() : Double.MAX_VALUE;
    return java.util.stream.IntStream.range(0, values.size())
        .filter(i -> line.y().get(i) <= top)
        .mapToDouble(values::get)
        .toArray();
  }

  private static String markdown(List<Figure> figures, String command) {
    StringBuilder page = new StringBuilder();
    page.append(PREFACE.replace("{command}", command));
    for (Figure figure : figures) {
      String number = figure.id().startsWith("Table") ? figure.id() : "Figure " + figure.id();
      page.append("\n## ").append(number).append(": ").append(figure.title()).append("\n\n");
      String unit = figure.unit().isEmpty() ? "" : ", " + figure.unit();
      page.append("| | paper").append(unit).append(" | ours").append(unit).append(" | ratio |\n");
      page.append("|---|---:|---:|---:|\n");
      for (Row row : figure.rows()) {
        page.append(
            "| %s | %s | %s | %s |\n"
                .formatted(
                    row.what(), number(row.paper()), number(row.ours()), number(row.ratio())));
      }
      page.append('\n').append(figure.remark()).append('\n');
      if (figure.plot() != null) {
        page.append("\n![%s](paper/%s.png)\n".formatted(figure.title(), figure.plot().file()));
      }
    }
    return page.toString();
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    double size = Math.abs(value);
    return String.format(Locale.ROOT, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.3g", value);
  }

  private static final String PREFACE =
      """
      # The paper's evaluation, run again

      Kwon et al., "Efficient Memory Management for Large Language Model Serving with
      PagedAttention" (SOSP 2023), figure by figure: what the paper says, what Quire gives, and ours
      over the paper's. Made by

      ```
      {command}
      ```

      This is *simulated time*: the engine's own scheduler and allocators decide every step, over
      requests with the paper's mean lengths and Poisson arrivals, on the paper's models and GPU
      memories; nothing is computed, and one model says how long each step takes. It is fixed from
      the models' sizes and the GPUs' data sheets, the same for all systems and figures:

      ```
      weights  = bytes of weights / (GPUs × 0.6 × bandwidth)            read once a step
      products = 2 × parameters × tokens / (GPUs × 0.6 × FLOPS)         at the same time
      cache    = bytes of keys and values read / (GPUs × 0.6 × bandwidth), × 1.25 for paged ones
      network  = 2 all-reduces a layer, where there are several GPUs: 10 µs each, and their bytes
      host     = 5 ms
      step     = max(weights, products) + cache + network + host
      ```

      Nothing is tuned for a figure, so values depart from the paper's, for these reasons above all:

      - **The simulated machine is not the paper's.** Steps cost what data sheets say at 60 % of the
        peak, and a host of 5 ms. Systems with large batches sustain up to twice the paper's rates
        here, most of all on several GPUs, where the paper's software had more to do between steps.
        Systems with small batches can sustain less: Orca (Max) on Alpaca needs steps of 17 ms at
        seven sequences for the paper's 7 requests a second, which is OPT-13B's weights read at the
        GPU's full bandwidth. Ratios of rates compare better than rates do.
      - **A rate given in requests a second** (Figures 2 and 13) meets a system that may be faster
        than the paper's: then fewer requests are in it at once. On Alpaca at 30 a second Quire does
        not reach the limit of its memory here, so it batches as many as there are, half the paper's
        number, while the paper's system was at its knee.
      - **Memory helps until time does not.** Weights are read once a step; each further sequence
        adds its own keys and values. With much memory for short sequences (OPT-175B on Alpaca) or
        long prompts to compute (Figure 17), every system is limited by computing, not by memory, and
        the gain of paging shrinks, in the paper as here. With 1024 tokens of prompt for 338 of
        output, paging holds 1.9 times as many sequences as a reservation of 2048 tokens, but prompts
        are computed at the same speed in both.
      - **Lengths.** Only the means were published. The spread is a choice (log-normal, σ = 1); the
        last section shows what another one does. A mean of normalised latencies weighs short
        outputs most. The translation task's lengths in Figure 16 are guesses, too, and its ratio is
        nearly (prefix + own tokens rounded up to a power of two) / own tokens, whatever they are.
      - **One scheduler for all.** The baselines get Quire's scheduler, with mixed prefill and decode
        steps, which is better than Orca's of the time, so that memory is all that differs.
      - **What needs a GPU** is not here: the kernel's own cost (Figure 18a), small blocks' effect on
        it (18b), and swapping measured rather than calculated (19).
      """;
}
