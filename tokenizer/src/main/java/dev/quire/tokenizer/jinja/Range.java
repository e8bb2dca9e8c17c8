package dev.quire.tokenizer.jinja;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** Python's range: numbers at equal distances, equal to no list. */
final class Range extends AbstractList<@Nullable Object> implements RandomAccess {
  private static final int MOST = 100_000;
  private final long start;
  private final long stop;
  private final long step;
  private final int size;

  Range(long start, long stop, long step) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    if (step == 0) {
      throw new JinjaException("range() arg 3 must not be zero");
    }
    double count = step > 0 ? ((double) stop - start) / step : ((double) start - stop) / -step;
    if (count > MOST) {
      throw new JinjaException(
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + MOST + ").");
    }
    size = (int) Math.max(0, Math.ceil(count));
  }

  /** {@code range(stop)}, {@code range(start, stop)} or {@code range(start, stop, step)}. */
  static Range of(List<@Nullable Object> arguments) {
    if (arguments.isEmpty()) {
      throw new JinjaException("range expected at least 1 argument, got 0");
    }
    if (arguments.size() > 3) {
      throw new JinjaException("range expected at most 3 arguments, got " + arguments.size());
    }
    boolean alone = arguments.size() == 1;
    return new Range(
        alone ? 0 : Values.index(arguments.get(0)),
        Values.index(arguments.get(alone ? 0 : 1)),
        arguments.size() > 2 ? Values.index(arguments.get(2)) : 1);
  }

  /** The items at {@code from}, {@code from + by}, … before {@code to}. */
  Range slice(long from, long to, long by) {
    return new Range(start + from * step, start + to * step, step * by);
  }

  @Override
  public Object get(int index) {
    return start + index * step;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public String toString() {
    return "range(" + start + ", " + stop + (step == 1 ? ")" : ", " + step + ")");
  }
}
