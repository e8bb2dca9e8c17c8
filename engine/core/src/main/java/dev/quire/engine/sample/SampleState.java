package dev.quire.engine.sample;

import dev.quire.engine.SamplingParams;
import dev.quire.engine.constrain.Constraint;
import org.jspecify.annotations.Nullable;

/**
 * What the sampler remembers of one sample: its parameters and the counts behind its penalties. A
 * sequence that is preempted keeps it, as its tokens stay the same.
 */
public final class SampleState {
  final SamplingParams params;
  final LogitRules rules;
  final long seed;
  final int sample;
  private final int promptLength;
  private final @Nullable TokenCounts window;
  private final @Nullable TokenCounts generated;
  private final Constraint.@Nullable Cursor cursor;
  private int counted;

  /**
   * @param seed keys the random numbers, together with the sample's index
   * @param promptLength tokens that were given; later ones were generated
   */
  public SampleState(
      SamplingParams params, LogitRules rules, long seed, int sample, int promptLength) {
    this.params = params;
    this.rules = rules;
    this.seed = seed;
    this.sample = sample;
    this.promptLength = promptLength;
    boolean repeats = params.repetitionPenalty() != 1 && params.repetitionWindow() != 0;
    window = repeats ? new TokenCounts() : null;
    boolean penalised = params.presencePenalty() != 0 || params.frequencyPenalty() != 0;
    generated = penalised ? new TokenCounts() : null;
    Constraint constraint = rules.constraint();
    cursor = constraint == null ? null : constraint.cursor();
  }

  public LogitRules rules() {
    return rules;
  }

  /** Bans what the request's constraint forbids after the tokens so far. */
  void constrain(float[] logits, int offset, int vocabulary, int[] tokens, int length) {
    if (cursor != null) {
      cursor.follow(tokens, promptLength, length);
      rules.constrain(logits, offset, vocabulary, cursor);
    }
  }

  /**
   * Takes note of the tokens so far and prepares for the next one meanwhile.
   *
   * @return whether the text matches its constraint and nothing can follow, so that it ends here
   */
  public boolean completes(int[] tokens, int length) {
    if (cursor == null) {
      return false;
    }
    cursor.follow(tokens, promptLength, length);
    cursor.prepare();
    return cursor.complete();
  }

  /** Whether the next token is the row's most probable one, as the model gave the row. */
  public boolean takesBest() {
    return params.greedy() && unchanged();
  }

  /**
   * Whether the next token is drawn from the row as the model gave it, by what a device knows.
   *
   * @param mostCandidates the largest top-k of a device
   */
  public boolean drawable(int mostCandidates) {
    return unchanged() && params.typicalP() >= 1 && params.topK() <= mostCandidates;
  }

  private boolean unchanged() {
    return rules.none() && window == null && generated == null;
  }

  /** Writes down how the token after {@code length} tokens is drawn, as StepBatch has it. */
  public void describe(float[] draws, int at, int length) {
    draws[at] = params.greedy() ? 0 : (float) params.temperature();
    draws[at + 1] = params.topK();
    draws[at + 2] = (float) params.topP();
    draws[at + 3] = (float) params.minP();
    double uniform = Philox.uniform(seed, sample, length);
    draws[at + 4] = Math.min((float) uniform, Math.nextDown(1.0f));
  }

  int promptLength() {
    return promptLength;
  }

  /** Applies the penalties to a row, having counted the tokens that came since the last one. */
  void penalise(float[] logits, int offset, int[] tokens, int length) {
    if (window == null && generated == null) {
      return;
    }
    count(tokens, length);
    if (window != null) {
      float penalty = (float) params.repetitionPenalty();
      for (int slot = 0; slot < window.capacity(); slot++) {
        int token = window.tokenAt(slot);
        if (token >= 0 && window.countAt(slot) > 0) {
          float logit = logits[offset + token];
          logits[offset + token] = logit > 0 ? logit / penalty : logit * penalty;
        }
      }
    }
    if (generated != null) {
      for (int slot = 0; slot < generated.capacity(); slot++) {
        int token = generated.tokenAt(slot);
        if (token >= 0) {
          logits[offset + token] -=
              (float)
                  (params.frequencyPenalty() * generated.countAt(slot) + params.presencePenalty());
        }
      }
    }
  }

  private void count(int[] tokens, int length) {
    int last = params.repetitionWindow();
    for (; counted < length; counted++) {
      if (window != null) {
        window.add(tokens[counted], 1);
        if (last > 0 && counted >= last) {
          window.add(tokens[counted - last], -1);
        }
      }
      if (generated != null && counted >= promptLength) {
        generated.add(tokens[counted], 1);
      }
    }
  }
}
