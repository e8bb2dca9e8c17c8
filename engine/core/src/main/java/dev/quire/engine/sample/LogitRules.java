package dev.quire.engine.sample;

import dev.quire.engine.SamplingParams;
import dev.quire.engine.constrain.Constraint;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request's fixed changes to logits, ready to apply: bias, allowed tokens, bad words, and the ban
 * on ending tokens before the minimum length. Shared by its samples.
 */
public final class LogitRules {
  private static final float BANNED = Float.NEGATIVE_INFINITY;

  private final int[] biasTokens;
  private final float[] biases;
  private final int[] allowed;
  private final float[] allowedLogits;
  private final List<int[]> badWords;
  private final int[] endingTokens;
  private final int minTokens;
  private final @Nullable Constraint constraint;
  private final BitSet endings = new BitSet();

  /**
   * @param badWords token ids of each spelling of each bad word
   * @param endingTokens tokens that end a sample
   */
  public LogitRules(SamplingParams params, List<int[]> badWords, int[] endingTokens) {
    List<Map.Entry<Integer, Float>> bias =
        params.logitBias().entrySet().stream().sorted(Map.Entry.comparingByKey()).toList();
    this.biasTokens = bias.stream().mapToInt(Map.Entry::getKey).toArray();
    this.biases = new float[bias.size()];
    for (int i = 0; i < biases.length; i++) {
      biases[i] = bias.get(i).getValue();
    }
    this.allowed = params.allowedTokenIds().stream().mapToInt(i -> i).distinct().toArray();
    this.allowedLogits = new float[allowed.length];
    this.badWords = List.copyOf(badWords);
    this.endingTokens = endingTokens.clone();
    this.minTokens = params.minTokens();
    this.constraint = null;
    for (int token : endingTokens) {
      endings.set(token);
    }
  }

  /** The same rules with a constraint on the whole text; null for none. */
  public LogitRules withConstraint(@Nullable Constraint newConstraint) {
    return new LogitRules(this, newConstraint);
  }

  private LogitRules(LogitRules other, @Nullable Constraint constraint) {
    this.biasTokens = other.biasTokens;
    this.biases = other.biases;
    this.allowed = other.allowed;
    this.allowedLogits = other.allowedLogits;
    this.badWords = other.badWords;
    this.endingTokens = other.endingTokens;
    this.minTokens = other.minTokens;
    this.endings.or(other.endings);
    this.constraint = constraint;
  }

  /** Whether these rules leave every row as the model gave it. */
  boolean none() {
    return biasTokens.length == 0
        && allowed.length == 0
        && badWords.isEmpty()
        && (minTokens == 0 || endingTokens.length == 0)
        && constraint == null;
  }

  @Nullable Constraint constraint() {
    return constraint;
  }

  /** Bans what the constraint forbids; ending tokens are allowed where the text may end. */
  void constrain(float[] logits, int offset, int vocabulary, Constraint.Cursor cursor) {
    long[] mask = cursor.mask();
    float[] endingLogits = new float[endingTokens.length];
    for (int i = 0; i < endingTokens.length; i++) {
      endingLogits[i] = logits[offset + endingTokens[i]];
    }
    for (int token = 0; token < vocabulary; token += Long.SIZE) {
      long allowedHere = mask[token >>> 6];
      int count = Math.min(Long.SIZE, vocabulary - token);
      if (allowedHere == 0) {
        Arrays.fill(logits, offset + token, offset + token + count, BANNED);
      } else if (allowedHere != -1) {
        for (int i = 0; i < count; i++) {
          if ((allowedHere >>> i & 1) == 0) {
            logits[offset + token + i] = BANNED;
          }
        }
      }
    }
    for (int i = 0; i < endingTokens.length; i++) {
      logits[offset + endingTokens[i]] = cursor.mayEnd() ? endingLogits[i] : BANNED;
    }
  }

  /** Whether a token ends its sample. */
  public boolean ends(int token) {
    return endings.get(token);
  }

  /** How many tokens end a sample. */
  public int endingTokens() {
    return endings.cardinality();
  }

  /** Changes a row for the token that follows {@code tokens[0 .. length)}. */
  void apply(
      float[] logits, int offset, int vocabulary, int[] tokens, int length, int promptLength) {
    for (int i = 0; i < biasTokens.length; i++) {
      logits[offset + biasTokens[i]] += biases[i];
    }
    if (allowed.length > 0) {
      for (int i = 0; i < allowed.length; i++) {
        allowedLogits[i] = logits[offset + allowed[i]];
      }
      Arrays.fill(logits, offset, offset + vocabulary, BANNED);
      for (int i = 0; i < allowed.length; i++) {
        logits[offset + allowed[i]] = allowedLogits[i];
      }
    }
    for (int i = 0; i < badWords.size(); i++) {
      int[] word = badWords.get(i);
      if (endsWithAllButLast(tokens, promptLength, length, word)) {
        logits[offset + word[word.length - 1]] = BANNED;
      }
    }
    if (length - promptLength < minTokens) {
      for (int token : endingTokens) {
        logits[offset + token] = BANNED;
      }
    }
  }

  /** Only generated tokens count: what the prompt began may be finished. */
  private static boolean endsWithAllButLast(int[] tokens, int from, int length, int[] word) {
    int start = length - (word.length - 1);
    if (start < from) {
      return false;
    }
    for (int i = 0; i < word.length - 1; i++) {
      if (tokens[start + i] != word[i]) {
        return false;
      }
    }
    return true;
  }
}
