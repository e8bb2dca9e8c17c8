package dev.quire.engine.schedule;

import dev.quire.paging.SequenceBlocks;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One sample or beam of a request: the tokens known, and how many of them have their keys and
 * values in the cache. A step computes some of the difference; that rule is prefill, decode and
 * recomputation.
 *
 * <pre>
 *   tokens   [ p p p p p p p g g g ]      p: prompt, g: generated
 *            └ computed ┘ └ to do ┘
 * </pre>
 */
public final class Sequence {
  private final int sample;
  private final int promptLength;
  private @Nullable Object attachment;
  private SequenceGroup group;
  private int[] tokens;
  private int length;
  private boolean finished;

  int computed;
  // Tokens that the blocks of the latest step that was planned have room for.
  int reserved;
  // Whether what is computed is as for a length past SchedulerLimits.recomputesBeyond.
  boolean stretched;
  int peakBlocks;
  int cachedTokens;
  @Nullable SequenceBlocks blocks;

  Sequence(SequenceGroup group, int sample, int[] prompt) {
    this.group = group;
    this.sample = sample;
    this.promptLength = prompt.length;
    this.tokens = Arrays.copyOf(prompt, prompt.length + 16);
    this.length = prompt.length;
  }

  /** A fork: the same tokens; the caller gives it blocks. */
  Sequence(Sequence from) {
    this.group = from.group;
    this.sample = from.sample;
    this.promptLength = from.promptLength;
    this.tokens = from.tokens.clone();
    this.length = from.length;
    this.computed = from.computed;
    this.stretched = from.stretched;
    this.peakBlocks = from.peakBlocks;
    this.cachedTokens = from.cachedTokens;
  }

  /** Which of the request's samples this is, from 0. */
  public int sample() {
    return sample;
  }

  /** Keeps something of the caller's along with the sequence. */
  public void attach(Object companion) {
    attachment = companion;
  }

  /** What was {@link #attach attached}, or null. */
  public @Nullable Object attachment() {
    return attachment;
  }

  public SequenceGroup group() {
    return group;
  }

  public int promptLength() {
    return promptLength;
  }

  /** Tokens known. */
  public int length() {
    return length;
  }

  /** Tokens whose keys and values are in the cache. */
  public int computed() {
    return computed;
  }

  /** The tokens known; longer than {@link #length()}, not to be changed. */
  public int[] tokens() {
    return tokens;
  }

  /** Tokens known beyond the prompt. */
  public int generated() {
    return length - promptLength;
  }

  public boolean finished() {
    return finished;
  }

  /** The most blocks held at once. */
  public int peakBlocks() {
    return peakBlocks;
  }

  /** Prompt tokens taken from the prefix cache at the first admission. */
  public int cachedTokens() {
    return cachedTokens;
  }

  /** The block tables; only while the sequence runs. */
  public SequenceBlocks blocks() {
    SequenceBlocks held = blocks;
    if (held == null) {
      throw new IllegalStateException("sequence holds no blocks");
    }
    return held;
  }

  /** Adds a generated token. */
  public void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, length + (length >> 1) + 16);
    }
    tokens[length++] = token;
  }

  void markFinished() {
    finished = true;
  }

  void moveTo(SequenceGroup other) {
    group = other;
  }
}
