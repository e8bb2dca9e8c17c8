package dev.quire.tornado.jvm;

/**
 * Checked mode: kernels run from rewritten copies of their classes, in which every access to local
 * and device memory is watched. Faults that a device would pass over in silence become a {@link
 * KernelFault}: accesses out of bounds, reads of what nobody wrote, diverging barriers, and
 * accesses of two threads of a group to one element without a barrier between them.
 *
 * <p>It is on inside {@link #run}, and everywhere with the system property {@code
 * quire.kernels.checked=true}.
 */
public final class Checked {
  private static final ScopedValue<Boolean> INSIDE = ScopedValue.newInstance();

  private Checked() {}

  /** Executes code whose plans run in checked mode. */
  public static void run(Runnable code) {
    ScopedValue.where(INSIDE, true).run(code);
  }

  static boolean on() {
    return INSIDE.orElse(Boolean.getBoolean("quire.kernels.checked"));
  }
}
