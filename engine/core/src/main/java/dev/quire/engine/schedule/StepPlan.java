package dev.quire.engine.schedule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a step computes: sequences, how many tokens of each, and which of those need logits. Used
 * again and again, so that a step allocates nothing.
 */
public final class StepPlan {
  private @Nullable Sequence[] sequences = new Sequence[16];
  private int[] tokens = new int[16];
  private int[] rows = new int[16];
  private final List<SequenceGroup> unfit = new ArrayList<>();
  private int size;
  private int numTokens;
  private int numRows;

  /** Sequences in this step. */
  public int size() {
    return size;
  }

  public Sequence sequence(int i) {
    return Objects.requireNonNull(sequences[i]);
  }

  /** Tokens of the i-th sequence to compute, from its {@link Sequence#computed()} on. */
  public int tokens(int i) {
    return tokens[i];
  }

  /** How many of those, counted from the last, need logits. */
  public int rows(int i) {
    return rows[i];
  }

  /** Tokens over all sequences. */
  public int numTokens() {
    return numTokens;
  }

  /** Rows of logits over all sequences. */
  public int numRows() {
    return numRows;
  }

  /** Running groups that do not fit the block pool even alone, and can only be ended. */
  public List<SequenceGroup> unfit() {
    return unfit;
  }

  void addUnfit(SequenceGroup group) {
    unfit.add(group);
  }

  void clear() {
    Arrays.fill(sequences, 0, size, null);
    size = 0;
    numTokens = 0;
    numRows = 0;
    unfit.clear();
  }

  void add(Sequence sequence, int newTokens, int wantedRows) {
    if (size == sequences.length) {
      sequences = Arrays.copyOf(sequences, size * 2);
      tokens = Arrays.copyOf(tokens, size * 2);
      rows = Arrays.copyOf(rows, size * 2);
    }
    sequences[size] = sequence;
    tokens[size] = newTokens;
    rows[size] = wantedRows;
    size++;
    numTokens += newTokens;
    numRows += wantedRows;
  }

  /**
   * Forgets the sequences of a group.
   *
   * @return tokens that were planned for them
   */
  int remove(SequenceGroup group) {
    int tokensBefore = numTokens;
    int kept = 0;
    for (int i = 0; i < size; i++) {
      Sequence sequence = sequence(i);
      if (sequence.group() == group) {
        numTokens -= tokens[i];
        numRows -= rows[i];
      } else {
        sequences[kept] = sequence;
        tokens[kept] = tokens[i];
        rows[kept++] = rows[i];
      }
    }
    Arrays.fill(sequences, kept, size, null);
    size = kept;
    return tokensBefore - numTokens;
  }
}
