package dev.quire.engine;

import dev.quire.engine.sample.LogitRules;
import dev.quire.engine.sample.SampleState;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.SequenceGroup;
import dev.quire.paging.SequenceBlocks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request inside the engine. Its fields that change belong to the engine thread. */
final class ActiveRequest {
  /** What a request is for. */
  enum Purpose {
    /** Tokens. */
    GENERATE,
    /** The logits of its prompt. */
    SCORE,
    /** Keeping its prompt's blocks. */
    PIN
  }

  /** Gets the logits of the prompt's rows, on the engine thread, in order. */
  @FunctionalInterface
  interface RowSink {
    void row(int position, float[] logits, int offset);
  }

  /** When tokens came, by {@link System#nanoTime}; 0 before the first. */
  static final class TokenTimes {
    long first;
    long last;

    void tokenAt(long nanos) {
      first = first == 0 ? nanos : first;
      last = nanos;
    }
  }

  /** One of the request's samples. */
  static final class Sample {
    final ActiveRequest request;
    final int index;
    final SampleState state;
    final Sequence sequence;
    final TokenTimes times = new TokenTimes();
    boolean done;

    Sample(ActiveRequest request, int index, SampleState state, Sequence sequence) {
      this.request = request;
      this.index = index;
      this.state = state;
      this.sequence = sequence;
    }
  }

  final long id;
  final Purpose purpose;
  final int[] prompt;
  final SamplingParams params;
  final LogitRules rules;
  final long seed;
  // As many as asked for, and at least the chosen token's own where samples are ranked by it.
  final int logprobs;
  final TokenStream stream = new TokenStream();
  final SequenceGroup group;
  // Empty in a beam search.
  final List<Sample> samples = new ArrayList<>();
  final @Nullable BeamRun beams;
  final @Nullable RowSink rowSink;
  final List<TokenLogprobs> promptLogprobs = new ArrayList<>();
  private final long submittedNanos;

  // Samples that have not ended; 1 for all of a beam search.
  int live;
  long startedNanos;
  boolean started;
  boolean touched;
  @Nullable SequenceBlocks pinned;

  ActiveRequest(
      long id,
      Purpose purpose,
      int[] prompt,
      GenerationRequest request,
      LogitRules rules,
      long seed,
      int maxModelLen,
      @Nullable RowSink rowSink) {
    this.id = id;
    this.purpose = purpose;
    this.prompt = prompt;
    this.params = request.params();
    this.rules = rules;
    this.seed = seed;
    this.rowSink = rowSink;
    this.submittedNanos = System.nanoTime();
    BeamSearch search = params.beamSearch();
    boolean needsOwn = search == null && params.ranked();
    this.logprobs = needsOwn ? Math.max(0, params.logprobs()) : params.logprobs();
    this.group =
        new SequenceGroup(
            new SequenceGroup.Spec(
                id,
                request.priority(),
                request.cacheSalt(),
                prompt,
                search == null ? params.bestOf() : 1,
                search == null ? 0 : search.width(),
                (int) Math.min(maxModelLen, (long) prompt.length + params.maxTokens()),
                rowSink != null || params.promptLogprobs() >= 0,
                null,
                this));
    this.beams = search == null ? null : new BeamRun(this, search);
    this.live = group.live();
    if (search == null) {
      for (Sequence sequence : group.sequences()) {
        int index = sequence.sample();
        Sample sample = new Sample(this, index, newState(index), sequence);
        sequence.attach(sample);
        samples.add(sample);
      }
    }
  }

  /** A state of the sampler that has seen nothing yet. */
  SampleState newState(int index) {
    return new SampleState(params, rules, seed, index, prompt.length);
  }

  /** What a sample cost, as of now. */
  Usage usage(Sample sample, long now) {
    return usage(
        samples.getFirst().sequence.cachedTokens(),
        sample.sequence,
        sample.sequence.generated(),
        sample.times,
        now);
  }

  /**
   * What a sample or hypothesis cost, as of now.
   *
   * @param sequence of the sample, or of any beam
   * @param generated its tokens
   */
  Usage usage(int cachedTokens, Sequence sequence, int generated, TokenTimes times, long now) {
    long begun = started ? startedNanos : now;
    long first = times.first == 0 ? now : times.first;
    long last = times.last == 0 ? first : times.last;
    return new Usage(
        prompt.length,
        cachedTokens,
        generated,
        sequence.peakBlocks(),
        sequence.group().preemptions(),
        Duration.ofNanos(begun - submittedNanos),
        Duration.ofNanos(first - begun),
        Duration.ofNanos(last - first));
  }
}
