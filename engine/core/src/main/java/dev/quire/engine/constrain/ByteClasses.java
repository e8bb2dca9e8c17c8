package dev.quire.engine.constrain;

import java.util.BitSet;

/** Bytes that no edge of an automaton tells apart, as one class. */
final class ByteClasses {
  private final int[] classOf = new int[256];
  private final int count;

  ByteClasses(Automaton automaton) {
    BitSet begins = new BitSet();
    for (long edge : automaton.byteEdges()) {
      begins.set(Automaton.low(edge));
      begins.set(Automaton.high(edge) + 1);
    }
    int current = 0;
    for (int b = 0; b < 256; b++) {
      current += b > 0 && begins.get(b) ? 1 : 0;
      classOf[b] = current;
    }
    count = current + 1;
  }

  int of(int b) {
    return classOf[b];
  }

  int count() {
    return count;
  }
}
