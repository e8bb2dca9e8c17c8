package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Line;
import dev.quire.bench.paper.Figure.Part;
import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.bench.paper.Figure.Times;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Figures as JSON and back, so that a page can be made of several runs. */
public final class FigureJson {
  private static final JsonMapper MAPPER = new JsonMapper();

  private FigureJson() {}

  /** All figures; values that the paper does not give are left out. */
  public static String write(List<Figure> figures) {
    ArrayNode array = MAPPER.createArrayNode();
    for (Figure figure : figures) {
      ObjectNode node = array.addObject();
      node.put("figure", figure.id());
      node.put("title", figure.title());
      node.put("unit", figure.unit());
      node.put("command", figure.command());
      node.put("machine", figure.machine());
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
      if (figure.plot() != null) {
        write(node.putObject("plot"), figure.plot());
      }
      if (!figure.times().isEmpty()) {
        write(node.putArray("times"), figure.times());
      }
    }
    return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(array);
  }

  private static void write(ArrayNode array, List<Times> times) {
    for (Times run : times) {
      ObjectNode node = array.addObject();
      node.put("run", run.run());
      ArrayNode parts = node.putArray("parts");
      for (Part part : run.parts()) {
        ObjectNode values = parts.addObject();
        values.put("what", part.what());
        values.put("steps", part.steps());
        values.put("seconds", part.seconds());
        values.put("tokens", part.tokens());
      }
    }
  }

  private static void write(ObjectNode node, Plot plot) {
    node.put("file", plot.file());
    node.put("x", plot.x());
    node.put("y", plot.y());
    node.put("logX", plot.logX());
    node.put("maxY", plot.maxY());
    ArrayNode lines = node.putArray("lines");
    for (Line line : plot.lines()) {
      ObjectNode values = lines.addObject();
      values.put("label", line.label());
      ArrayNode x = values.putArray("x");
      line.x().forEach(x::add);
      ArrayNode y = values.putArray("y");
      line.y().forEach(y::add);
    }
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IllegalArgumentException if it is anything else
   */
  public static List<Figure> read(String json) {
    try {
      List<Figure> figures = new ArrayList<>();
      for (JsonNode node : MAPPER.readTree(json)) {
        List<Row> rows = new ArrayList<>();
        for (JsonNode row : node.get("rows")) {
          rows.add(
              new Row(
                  row.get("what").stringValue(),
                  row.path("paper").asDouble(Double.NaN),
                  row.path("ours").asDouble(Double.NaN)));
        }
        figures.add(
            new Figure(
                node.get("figure").stringValue(),
                node.get("title").stringValue(),
                node.get("unit").stringValue(),
                rows,
                node.get("remark").stringValue(),
                plot(node.get("plot")),
                times(node.path("times")),
                node.get("command").stringValue(),
                node.get("machine").stringValue()));
      }
      return figures;
    } catch (JacksonException | NullPointerException e) {
      throw new IllegalArgumentException("no figures of quire bench paper: " + e.getMessage(), e);
    }
  }

  private static @Nullable Plot plot(@Nullable JsonNode node) {
    if (node == null) {
      return null;
    }
    List<Line> lines = new ArrayList<>();
    for (JsonNode line : node.get("lines")) {
      lines.add(
          new Line(
              line.get("label").stringValue(), numbers(line.get("x")), numbers(line.get("y"))));
    }
    return new Plot(
        node.get("file").stringValue(),
        node.get("x").stringValue(),
        node.get("y").stringValue(),
        node.get("logX").booleanValue(),
        node.get("maxY").doubleValue(),
        lines);
  }

  private static List<Times> times(JsonNode array) {
    List<Times> times = new ArrayList<>();
    for (JsonNode run : array) {
      List<Part> parts = new ArrayList<>();
      for (JsonNode part : run.get("parts")) {
        parts.add(
            new Part(
                part.get("what").stringValue(),
                part.get("steps").longValue(),
                part.get("seconds").doubleValue(),
                part.get("tokens").longValue()));
      }
      times.add(new Times(run.get("run").stringValue(), parts));
    }
    return times;
  }

  private static List<Double> numbers(JsonNode array) {
    List<Double> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asDouble()));
    return values;
  }
}
