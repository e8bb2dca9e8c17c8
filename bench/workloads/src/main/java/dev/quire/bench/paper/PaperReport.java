package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Line;
import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.bench.paper.Figure.Times;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Figures as plots and as one page that puts the paper's values beside ours. */
public final class PaperReport {
  private static final int PLOT_WIDTH = 720;
  private static final int PLOT_HEIGHT = 420;

  private PaperReport() {}

  /**
   * Writes the page and its plots, which go to a folder {@code paper} beside it.
   *
   * @param figures in any order: those of one number stand together
   * @param command how to make the page again
   */
  public static void write(Path page, List<Figure> figures, String command) throws IOException {
    Path folder = page.resolveSibling("paper");
    Files.createDirectories(folder);
    for (Figure figure : figures) {
      if (figure.plot() != null) {
        plot(folder, figure.plot());
      }
    }
    List<Figure> sorted =
        figures.stream().sorted(Comparator.comparingDouble(PaperReport::place)).toList();
    Files.writeString(page, markdown(sorted, command));
  }

  /** Where a figure stands: Table 1 first, by number, simulated before real, sensitivity last. */
  private static double place(Figure figure) {
    String id = figure.id();
    if (id.startsWith("Table")) {
      return 0;
    }
    if (id.contains("sensitivity")) {
      return 100;
    }
    Matcher number = Pattern.compile("(\\d+)([ab]?)").matcher(id);
    if (!number.lookingAt()) {
      return 99;
    }
    double place = Integer.parseInt(number.group(1));
    return place + (number.group(2).equals("b") ? 0.5 : 0) + (id.contains("real") ? 0.1 : 0);
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
    chart.getStyler().setXAxisLogarithmic(plot.logX() && severalDecades(plot));
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
    if (plot.maxY() > 0) {
      chart.getStyler().setYAxisMin(0.0).setYAxisMax(plot.maxY());
    }
    for (Line line : plot.lines()) {
      chart
          .addSeries(line.label(), clip(line.x(), line, plot), clip(line.y(), line, plot))
          .setMarker(SeriesMarkers.CIRCLE);
    }
    ChartEncoder.saveChart(chart, folder.resolve(plot.file() + ".png").toString(), "png");
  }

  /** A logarithmic axis has numbers at powers of ten alone: within fewer a linear one says more. */
  private static boolean severalDecades(Plot plot) {
    DoubleSummaryStatistics x =
        plot.lines().stream()
            .flatMapToDouble(line -> Arrays.stream(clip(line.x(), line, plot)))
            .summaryStatistics();
    return x.getMax() > 15 * x.getMin();
  }

  /** The values at which the line is inside the axis. */
  private static double[] clip(List<Double> values, Line line, Plot plot) {
    double top = plot.maxY() > 0 ? plot.maxY() : Double.MAX_VALUE;
    return IntStream.range(0, values.size())
        .filter(i -> line.y().get(i) <= top)
        .mapToDouble(values::get)
        .toArray();
  }

  private static String markdown(List<Figure> figures, String command) {
    StringBuilder page = new StringBuilder();
    page.append(
        PaperPreface.TEXT
            .replace("{command}", command)
            .replace("{summary}", PageSummary.of(figures, PaperReport::number)));
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
      if (!figure.times().isEmpty()) {
        appendTimes(page, figure.times());
      }
      page.append("\n`").append(figure.command()).append('`');
      page.append(
          figure.machine().isEmpty() ? " (simulated time)\n" : "; " + figure.machine() + "\n");
      if (figure.plot() != null) {
        page.append("\n![%s](paper/%s.png)\n".formatted(figure.title(), figure.plot().file()));
      }
    }
    return page.toString();
  }

  private static void appendTimes(StringBuilder page, List<Times> times) {
    page.append("\nWhere the time went: steps × a step's time, its tokens, and their share.\n\n");
    page.append("| ").append(String.join(" | ", TimesTable.header(times))).append(" |\n|---|");
    page.append("---:|".repeat(times.size())).append('\n');
    for (List<String> line : TimesTable.lines(times)) {
      page.append("| ").append(String.join(" | ", line)).append(" |\n");
    }
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    double size = Math.abs(value);
    return String.format(Locale.ROOT, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.3g", value);
  }
}
