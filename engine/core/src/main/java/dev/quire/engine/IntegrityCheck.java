package dev.quire.engine;

import java.util.function.LongSupplier;

/**
 * Recounts the block pool between steps, as often as its share of the time allows: a check is made
 * when all checks so far, together with one like the last, stay below it. So a running engine pays
 * no more than that, however large its pool; a share of 1 checks after each step.
 */
final class IntegrityCheck {
  private final Runnable check;
  private final double share;
  private final LongSupplier clock;
  private long startedNanos;
  private long checkedNanos;
  private long lastNanos;

  /**
   * @param check throws if something is wrong
   * @param share of the time, 0 for none to 1
   */
  IntegrityCheck(Runnable check, double share) {
    this(check, share, System::nanoTime);
  }

  /**
   * The same by another clock.
   *
   * @param clock in nanoseconds
   */
  IntegrityCheck(Runnable check, double share, LongSupplier clock) {
    this.check = check;
    this.share = share;
    this.clock = clock;
  }

  /**
   * A step is done.
   *
   * @param now by the clock
   * @throws dev.quire.paging.PagingException if the pool is not sound
   */
  void afterStep(long now) {
    if (share == 0) {
      return;
    }
    if (startedNanos == 0) {
      startedNanos = now;
    }
    if (share >= 1 || checkedNanos + lastNanos <= share * (now - startedNanos)) {
      long begun = clock.getAsLong();
      check.run();
      lastNanos = clock.getAsLong() - begun;
      checkedNanos += lastNanos;
    }
  }
}
