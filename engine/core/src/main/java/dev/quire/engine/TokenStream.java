package dev.quire.engine;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Takes a request's tokens from the engine thread to the thread that makes text of them. Entries
 * are flat arrays that the two threads exchange, so a token allocates nothing.
 */
final class TokenStream {
  /** What an entry says. */
  enum Kind {
    TOKEN,
    /** The token that ended its sample; gives no text. */
    ENDING_TOKEN,
    FINISHED,
    PROMPT_SCORED
  }

  /**
   * Why a sample ended.
   *
   * @param cumulativeLogprob of a beam search's hypothesis; NaN otherwise
   * @param score of a beam search's hypothesis; NaN otherwise
   */
  record Finish(
      FinishReason reason,
      @Nullable String detail,
      Usage usage,
      double cumulativeLogprob,
      double score) {

    /** The end of a sample that is no hypothesis. */
    static Finish of(FinishReason reason, @Nullable String detail, Usage usage) {
      return new Finish(reason, detail, usage, Double.NaN, Double.NaN);
    }
  }

  /** Entries in order. */
  static final class Entries {
    Kind[] kinds = new Kind[16];
    int[] samples = new int[16];
    int[] tokens = new int[16];
    @Nullable Object[] notes = new Object[16];
    int size;

    private void add(Kind kind, int sample, int token, @Nullable Object note) {
      if (size == samples.length) {
        kinds = Arrays.copyOf(kinds, size * 2);
        samples = Arrays.copyOf(samples, size * 2);
        tokens = Arrays.copyOf(tokens, size * 2);
        notes = Arrays.copyOf(notes, size * 2);
      }
      kinds[size] = kind;
      samples[size] = sample;
      tokens[size] = token;
      notes[size++] = note;
    }

    void clear() {
      Arrays.fill(notes, 0, size, null);
      size = 0;
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private Entries filling = new Entries();
  private boolean waiting;

  void token(int sample, int token, boolean ending, @Nullable TokenLogprobs logprobs) {
    add(ending ? Kind.ENDING_TOKEN : Kind.TOKEN, sample, token, logprobs);
  }

  /**
   * @param finish null for an output that a beam search has no hypothesis for
   */
  void finished(int sample, @Nullable Finish finish) {
    add(Kind.FINISHED, sample, 0, finish);
  }

  void promptScored(List<TokenLogprobs> logprobs) {
    add(Kind.PROMPT_SCORED, 0, 0, logprobs);
  }

  private void add(Kind kind, int sample, int token, @Nullable Object note) {
    lock.lock();
    try {
      filling.add(kind, sample, token, note);
    } finally {
      lock.unlock();
    }
  }

  /** Wakes the reader: once a step, after its entries. */
  void publish() {
    lock.lock();
    try {
      if (waiting) {
        arrived.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for entries; gives {@code emptied}, which was read before, to be filled next. */
  Entries take(Entries emptied) {
    lock.lock();
    try {
      while (filling.size == 0) {
        waiting = true;
        arrived.awaitUninterruptibly();
      }
      waiting = false;
      Entries full = filling;
      filling = emptied;
      return full;
    } finally {
      lock.unlock();
    }
  }
}
