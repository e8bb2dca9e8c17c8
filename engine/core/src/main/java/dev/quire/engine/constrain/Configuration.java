package dev.quire.engine.constrain;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * All places of the automaton that a text may have led to: pairs of state and stack. Interned by
 * its machine, so that what was found out about it is found out once.
 */
final class Configuration {
  /** A return address and what lies below it; the bottom is null. */
  record Frame(int returnTo, @Nullable Frame below, int id) {
    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return id;
    }
  }

  /** Identity of a configuration. */
  record Key(long[] pairs, boolean accepting) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key(long[] others, boolean accepts)
          && accepting == accepts
          && Arrays.equals(pairs, others);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(pairs) + (accepting ? 1 : 0);
    }
  }

  final int[] states;
  final @Nullable Frame[] stacks;
  final boolean accepting;
  final @Nullable Configuration[] next;
  volatile long @Nullable [] mask;

  Configuration(int[] states, @Nullable Frame[] stacks, boolean accepting, int byteClasses) {
    this.states = states;
    this.stacks = stacks;
    this.accepting = accepting;
    this.next = new Configuration[byteClasses];
  }

  /** Nothing can follow, and this is no end either. */
  boolean dead() {
    return states.length == 0 && !accepting;
  }
}
