package dev.quire.bench.paper;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A figure or table of the paper beside what this run gives for it.
 *
 * @param id such as {@code 12} or {@code Table 1}
 * @param unit of the rows' values
 * @param remark what differs from the paper's set-up, and why values depart
 * @param plot null where there is none
 * @param times where the time of runs went; empty where nobody asks
 * @param command that makes it again
 * @param machine what computed it; empty in simulated time
 */
public record Figure(
    String id,
    String title,
    String unit,
    List<Row> rows,
    String remark,
    @Nullable Plot plot,
    List<Times> times,
    String command,
    String machine) {
  public Figure {
    rows = List.copyOf(rows);
    times = List.copyOf(times);
  }

  /** One in simulated time, whose command is still to be said. */
  Figure(String id, String title, String unit, List<Row> rows, String remark, @Nullable Plot plot) {
    this(id, title, unit, rows, remark, plot, List.of(), "", "");
  }

  /** The same, with where the time of its runs went. */
  Figure withTimes(List<Times> newTimes) {
    return new Figure(id, title, unit, rows, remark, plot, newTimes, command, machine);
  }

  /** The same, made by a command on a machine. */
  Figure madeBy(String newCommand, String newMachine) {
    return new Figure(id, title, unit, rows, remark, plot, times, newCommand, newMachine);
  }

  /**
   * A value.
   *
   * @param paper NaN where the paper gives none
   */
  public record Row(String what, double paper, double ours) {
    /** Ours over the paper's; NaN where the paper gives none. */
    public double ratio() {
      return ours / paper;
    }

    static Row ours(String what, double ours) {
      return new Row(what, Double.NaN, ours);
    }
  }

  /**
   * Lines over a common axis.
   *
   * @param file name without folder and ending
   * @param maxY where the axis ends; 0 for the data's own
   */
  public record Plot(String file, String x, String y, boolean logX, double maxY, List<Line> lines) {
    public Plot {
      lines = List.copyOf(lines);
    }
  }

  /** A line of a plot. */
  public record Line(String label, List<Double> x, List<Double> y) {
    public Line {
      x = List.copyOf(x);
      y = List.copyOf(y);
    }
  }

  /** Where the time of a run went. */
  public record Times(String run, List<Part> parts) {
    public Times {
      parts = List.copyOf(parts);
    }
  }

  /**
   * Steps of one kind.
   *
   * @param seconds of all of them
   * @param tokens of all of them
   */
  public record Part(String what, long steps, double seconds, long tokens) {}
}
