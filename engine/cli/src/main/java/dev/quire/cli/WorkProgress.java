package dev.quire.cli;

import dev.quire.weights.Progress;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on stderr where that is a terminal; nothing elsewhere. */
final class WorkProgress implements Progress, AutoCloseable {
  private static final int WIDTH = 79;

  private final @Nullable ProgressBar bar;
  private final @Nullable Line line;

  private WorkProgress(@Nullable ProgressBar bar, @Nullable Line line) {
    this.bar = bar;
    this.line = line;
  }

  /** The line that the bar is drawn on; ends once. */
  private static final class Line implements ProgressBarConsumer {
    private final ProgressBarConsumer console;
    private boolean ended;

    private Line(ProgressBarConsumer console) {
      this.console = console;
    }

    @Override
    public int getMaxRenderedLength() {
      return console.getMaxRenderedLength();
    }

    @Override
    public void accept(String rendered) {
      console.accept(rendered);
    }

    @Override
    public synchronized void close() {
      if (!ended) {
        ended = true;
        console.close();
      }
    }
  }

  /**
   * @param task what is being done
   * @param unit what is counted, shown after the numbers
   * @param unitSize how many counts make one shown unit
   */
  static WorkProgress show(Console console, String task, String unit, long unitSize) {
    if (!console.terminals().err()) {
      return new WorkProgress(null, null);
    }
    var line = new Line(new ConsoleProgressBarConsumer(console.err(), WIDTH));
    return new WorkProgress(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setUnit(unit, unitSize)
            .setStyle(ProgressBarStyle.ASCII)
            .setConsumer(line)
            .setUpdateIntervalMillis((int) Duration.ofMillis(200).toMillis())
            .showSpeed()
            .build(),
        line);
  }

  static WorkProgress ofBytes(Console console, String task) {
    return show(console, task, " MiB", 1L << 20);
  }

  @Override
  public void update(long done, long total) {
    if (bar != null) {
      bar.maxHint(total);
      bar.stepTo(done);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
    if (line != null) {
      line.close(); // a bar that is done before it was first drawn leaves its line open
    }
  }
}
