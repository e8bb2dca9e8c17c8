package dev.quire.engine;

import dev.quire.engine.sample.LogitRules;
import dev.quire.engine.sample.SampleState;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.SequenceGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request inside the engine. Its fields that change belong to the engine thread. */
final class ActiveRequest {
  /** Gets the logits of the prompt's rows, on the engine thread, in order. */
  @FunctionalInterface
  interface RowSink {
    void row(int position, float[] logits, int offset);
  }

  /** One of the request's samples. */
  static final class Sample {
    final ActiveRequest request;
    final int index;
    final SampleState state;
    final Sequence sequence;
    boolean done;
    long firstTokenNanos;
    long lastTokenNanos;

    Sample(ActiveRequest request, int index, SampleState state, Sequence sequence) {
      this.request = request;
      this.index = index;
      this.state = state;
      this.sequence = sequence;
    }
  }

  final long id;
  final int[] prompt;
  final SamplingParams params;
  final long seed;
  // As many as asked for, and at least the chosen token's own where samples are ranked by it.
  final int logprobs;
  final boolean scoringOnly;
  final TokenStream stream = new TokenStream();
  final SequenceGroup group;
  final List<Sample> samples = new ArrayList<>();
  final @Nullable RowSink rowSink;
  final List<TokenLogprobs> promptLogprobs = new ArrayList<>();
  private final long submittedNanos;

  int live;
  long startedNanos;
  boolean started;
  boolean touched;

  ActiveRequest(
      long id,
      int[] prompt,
      GenerationRequest request,
      LogitRules rules,
      long seed,
      int maxModelLen,
      boolean scoringOnly,
      @Nullable RowSink rowSink) {
    this.id = id;
    this.prompt = prompt;
    this.params = request.params();
    this.seed = seed;
    this.logprobs = params.ranked() ? Math.max(0, params.logprobs()) : params.logprobs();
    this.scoringOnly = scoringOnly;
    this.rowSink = rowSink;
    this.submittedNanos = System.nanoTime();
    int maxLength = (int) Math.min(maxModelLen, (long) prompt.length + params.maxTokens());
    boolean scoresPrompt = rowSink != null || params.promptLogprobs() >= 0;
    this.group =
        new SequenceGroup(
            id,
            request.priority(),
            request.cacheSalt(),
            prompt,
            params.bestOf(),
            maxLength,
            scoresPrompt);
    this.live = params.bestOf();
    for (Sequence sequence : group.sequences()) {
      int index = sequence.sample();
      SampleState state = new SampleState(params, rules, seed, index, prompt.length);
      Sample sample = new Sample(this, index, state, sequence);
      sequence.attach(sample);
      samples.add(sample);
    }
  }

  Usage usage(Sample sample, long now) {
    long begun = started ? startedNanos : now;
    long first = sample.firstTokenNanos == 0 ? now : sample.firstTokenNanos;
    long last = sample.lastTokenNanos == 0 ? first : sample.lastTokenNanos;
    return new Usage(
        prompt.length,
        samples.getFirst().sequence.cachedTokens(),
        sample.sequence.generated(),
        sample.sequence.peakBlocks(),
        sample.sequence.group().preemptions(),
        Duration.ofNanos(begun - submittedNanos),
        Duration.ofNanos(first - begun),
        Duration.ofNanos(last - first));
  }
}
