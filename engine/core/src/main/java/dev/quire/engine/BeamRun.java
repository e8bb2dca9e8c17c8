package dev.quire.engine;

import dev.quire.engine.ActiveRequest.TokenTimes;
import dev.quire.engine.sample.BeamRanking;
import dev.quire.engine.sample.BeamRanking.Continuation;
import dev.quire.engine.sample.SampleState;
import dev.quire.engine.sample.Sampler;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One beam search under way: its beams, in the order of their group's sequences, and the hypotheses
 * that it has finished.
 */
final class BeamRun {
  /** The log-probabilities of a beam's tokens, the last one first; beams share their past. */
  private record Scored(@Nullable Scored before, TokenLogprobs logprobs) {}

  private record Beam(
      Sequence sequence, SampleState state, double cumulative, @Nullable Scored scored) {}

  private record Hypothesis(
      int[] tokens, double cumulative, double score, boolean ended, @Nullable Scored scored) {}

  private final ActiveRequest request;
  private final BeamSearch search;
  private final TokenTimes times = new TokenTimes();
  private final List<Hypothesis> hypotheses = new ArrayList<>();
  private List<Beam> beams;
  private @Nullable BeamRanking ranking;

  BeamRun(ActiveRequest request, BeamSearch search) {
    this.request = request;
    this.search = search;
    Sequence first = request.group.sequences().getFirst();
    this.beams = List.of(new Beam(first, request.newState(0), 0, null));
  }

  /**
   * Extends every beam by a token, from the logits of its last one.
   *
   * @param rows offset of each beam's row
   * @param scratch a row's length or more
   * @return whether the search is over
   */
  boolean advance(
      float[] logits,
      int[] rows,
      float[] scratch,
      Sampler sampler,
      Scheduler scheduler,
      long nanos) {
    times.tokenAt(nanos);
    BeamRanking rank = ranking(sampler);
    for (int i = 0; i < beams.size(); i++) {
      Beam beam = beams.get(i);
      Sequence s = beam.sequence;
      System.arraycopy(logits, rows[i], scratch, 0, scratch.length);
      sampler.adjust(scratch, 0, beam.state, s.tokens(), s.length());
      rank.offer(i, beam.cumulative, scratch, 0);
    }
    int generated = beams.getFirst().sequence.generated() + 1;
    boolean over = rank.decide(generated, request.rules::ends);
    for (Continuation c : rank.finished()) {
      finish(c, scored(c, logits, rows, sampler));
    }
    if (!over) {
      branch(rank.beams(), logits, rows, sampler, scheduler);
    }
    return over;
  }

  private BeamRanking ranking(Sampler sampler) {
    BeamRanking known = ranking;
    if (known == null) {
      int most = request.group.maxLength() - request.group.promptLength();
      known = new BeamRanking(search, sampler.vocabulary(), most, request.rules.endingTokens());
      ranking = known;
    }
    return known;
  }

  private @Nullable Scored scored(Continuation c, float[] logits, int[] rows, Sampler sampler) {
    if (request.logprobs < 0) {
      return null;
    }
    TokenLogprobs logprobs =
        sampler.logprobs(logits, rows[c.parent()], c.token(), request.logprobs);
    return new Scored(beams.get(c.parent()).scored, logprobs);
  }

  private void finish(Continuation c, @Nullable Scored scored) {
    Sequence s = beams.get(c.parent()).sequence;
    int[] tokens = Arrays.copyOfRange(s.tokens(), s.promptLength(), s.length() + 1);
    tokens[tokens.length - 1] = c.token();
    hypotheses.add(new Hypothesis(tokens, c.cumulative(), c.score(), c.ends(), scored));
    hypotheses.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
    if (hypotheses.size() > search.width()) {
      hypotheses.removeLast();
    }
  }

  private void branch(
      List<Continuation> chosen, float[] logits, int[] rows, Sampler sampler, Scheduler scheduler) {
    List<Sequence> parents = new ArrayList<>(chosen.size());
    for (Continuation c : chosen) {
      parents.add(beams.get(c.parent()).sequence);
    }
    List<Sequence> sequences = scheduler.branch(request.group, parents);
    List<Beam> next = new ArrayList<>(chosen.size());
    for (int i = 0; i < chosen.size(); i++) {
      Continuation c = chosen.get(i);
      Beam parent = beams.get(c.parent());
      Sequence s = sequences.get(i);
      SampleState state = s == parent.sequence ? parent.state : request.newState(0);
      s.append(c.token());
      next.add(new Beam(s, state, c.cumulative(), scored(c, logits, rows, sampler)));
    }
    beams = next;
  }

  /** Sends the best hypotheses out; there may be fewer of them than were asked for. */
  void emit(TokenStream stream, long now) {
    for (int i = 0; i < request.params.n(); i++) {
      if (i >= hypotheses.size()) {
        stream.finished(i, null);
        continue;
      }
      Hypothesis h = hypotheses.get(i);
      List<TokenLogprobs> logprobs = logprobs(h.scored);
      for (int t = 0; t < h.tokens.length; t++) {
        boolean ending = h.ended && t == h.tokens.length - 1;
        stream.token(i, h.tokens[t], ending, logprobs.isEmpty() ? null : logprobs.get(t));
      }
      FinishReason reason = h.ended ? FinishReason.STOP : FinishReason.LENGTH;
      Usage usage = usage(h.tokens.length, now);
      stream.finished(i, new TokenStream.Finish(reason, null, usage, h.cumulative, h.score));
    }
  }

  /** Ends every output without a hypothesis. */
  void end(TokenStream stream, FinishReason reason, @Nullable String detail, long now) {
    for (int i = 0; i < request.params.n(); i++) {
      stream.finished(i, TokenStream.Finish.of(reason, detail, usage(0, now)));
    }
  }

  boolean hasHypothesis() {
    return !hypotheses.isEmpty();
  }

  private Usage usage(int generated, long now) {
    Sequence any = beams.getFirst().sequence;
    return request.usage(any.cachedTokens(), any, generated, times, now);
  }

  private static List<TokenLogprobs> logprobs(@Nullable Scored last) {
    List<TokenLogprobs> logprobs = new ArrayList<>();
    for (Scored s = last; s != null; s = Objects.requireNonNull(s).before) {
      logprobs.add(s.logprobs);
    }
    Collections.reverse(logprobs);
    return logprobs;
  }
}
