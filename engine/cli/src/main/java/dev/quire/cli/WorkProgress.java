package dev.quire.cli;

import dev.quire.weights.Progress;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on stderr where that is a terminal; nothing elsewhere. */
final class WorkProgress implements Progress, AutoCloseable {
  private static final int WIDTH = 79;

  private final @Nullable ProgressBar bar;

  private WorkProgress(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  /**
   * @param task what is being done
   * @param unit what is counted, shown after the numbers
   * @param unitSize how many counts make one shown unit
   */
  static WorkProgress show(Console console, String task, String unit, long unitSize) {
    if (!console.terminals().err()) {
      return new WorkProgress(null);
    }
    return new WorkProgress(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setUnit(unit, unitSize)
            .setStyle(ProgressBarStyle.ASCII)
            .setConsumer(new ConsoleProgressBarConsumer(console.err(), WIDTH))
            .setUpdateIntervalMillis((int) Duration.ofMillis(200).toMillis())
            .showSpeed()
            .build());
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
  }
}
