package dev.quire.weights;

/** Hears how far long work has come; may be called from any thread, never from two at once. */
@FunctionalInterface
public interface Progress {
  /** Nobody listens. */
  Progress NONE = (_, _) -> {};

  /** {@code done} of {@code total} bytes are finished. */
  void update(long done, long total);
}
