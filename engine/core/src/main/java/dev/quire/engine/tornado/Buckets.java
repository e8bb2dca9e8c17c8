package dev.quire.engine.tornado;

import dev.quire.kernels.AttentionGroups;
import java.util.ArrayList;
import java.util.List;

/** The sizes that graphs are made for; a step runs in the smallest that holds it. */
final class Buckets {
  private static final int[] DECODE = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

  private static final int[] MIXED = {64, 128, 192, 256, 384, 512, 2048, 8192};

  private Buckets() {}

  /** Sequences of the graphs for steps of single tokens. */
  static List<Integer> decode(TornadoOptions options) {
    List<Integer> buckets = new ArrayList<>();
    for (int bucket : DECODE) {
      if (bucket < options.maxSequences() && bucket <= options.logitRows()) {
        buckets.add(bucket);
      }
    }
    buckets.add(Math.min(options.maxSequences(), options.logitRows()));
    return buckets;
  }

  /** Tokens of the graphs for all other steps. */
  static List<Integer> mixed(TornadoOptions options) {
    List<Integer> buckets = new ArrayList<>();
    for (int bucket : MIXED) {
      if (bucket < options.rows()) {
        buckets.add(bucket);
      }
    }
    buckets.add(options.rows());
    return buckets;
  }

  /**
   * The most parts that a context is split into, so that few sequences still fill the device; how
   * many are used is each step's choice.
   *
   * @param longest context, in positions
   */
  static int splits(int sequences, int longest) {
    int most =
        sequences <= 2 ? 64 : sequences <= 4 ? 32 : sequences <= 16 ? 16 : sequences <= 64 ? 8 : 4;
    return Math.min(most, Math.ceilDiv(longest, AttentionGroups.leastSplit(sequences)));
  }

  /** Positions of a split of {@code sequences} contexts, so that {@code splits} cover each. */
  static int splitLength(int sequences, int longest, int splits) {
    int even = Math.ceilDiv(Math.ceilDiv(longest, splits), 32) * 32;
    return Math.max(AttentionGroups.leastSplit(sequences), even);
  }

  /** The smallest bucket that holds {@code count}; −1 if none does. */
  static int indexOf(List<Integer> buckets, int count) {
    for (int i = 0; i < buckets.size(); i++) {
      if (count <= buckets.get(i)) {
        return i;
      }
    }
    return -1;
  }
}
