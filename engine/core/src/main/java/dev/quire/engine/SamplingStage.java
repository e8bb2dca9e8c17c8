package dev.quire.engine;

import dev.quire.engine.ActiveRequest.Purpose;
import dev.quire.engine.ActiveRequest.Sample;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.sample.Sampler;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.SequenceGroup;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Makes tokens of a step's logits: of each sequence that asked for a row, what it needs. */
final class SamplingStage {
  // Top-k beyond it is the host's.
  private static final int MOST_CANDIDATES = 256;

  private final Sampler sampler;
  private final Scheduler scheduler;
  private final KvAllocator allocator;
  private final RequestBook book;
  private final StepClock clock;
  private final int blockSize;
  private final float[] scratch;
  private final int[] beamRows = new int[BeamSearch.MAX_WIDTH];
  private int beamsSeen;

  /**
   * @param rowWidth floats a row of logits
   */
  SamplingStage(
      Sampler sampler,
      int rowWidth,
      Scheduler scheduler,
      KvAllocator allocator,
      RequestBook book,
      StepClock clock) {
    this.sampler = sampler;
    this.scheduler = scheduler;
    this.allocator = allocator;
    this.book = book;
    this.clock = clock;
    this.blockSize = allocator.usage().blockSize();
    this.scratch = new float[rowWidth];
  }

  static ActiveRequest request(SequenceGroup group) {
    return (ActiveRequest) Objects.requireNonNull(group.attachment());
  }

  private static Sample sample(Sequence sequence) {
    return (Sample) Objects.requireNonNull(sequence.attachment());
  }

  /**
   * Whether each row of a step only asks for its most probable token, or one that a device can
   * draw, so that no logits are needed.
   */
  boolean takesBest(StepPlan plan) {
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      ActiveRequest request = request(s.group());
      boolean best =
          plan.rows(i) == 0
              || request.purpose == Purpose.GENERATE
                  && request.beams == null
                  && request.logprobs < 0
                  && !s.group().scoresPrompt()
                  && (sample(s).state.takesBest()
                      || !willFork(s) && sample(s).state.drawable(MOST_CANDIDATES));
      if (!best) {
        return false;
      }
    }
    return sampler.vocabulary() == scratch.length;
  }

  /** Writes down how the tokens of a step's rows are drawn, where {@link #takesBest} says so. */
  void describeDraws(StepPlan plan, StepBatch batch) {
    batch.numDraws = batch.numLogitsRows;
    int needed = StepBatch.DRAW * batch.numDraws;
    if (batch.draws.length < needed) {
      batch.draws = new float[2 * needed];
    }
    int row = 0;
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      for (int r = 0; r < plan.rows(i); r++, row++) {
        sample(s).state.describe(batch.draws, row * StepBatch.DRAW, s.length());
      }
    }
  }

  /** The tokens that a device drew; null if it gave none, or left one to the host. */
  static int @Nullable [] decided(int @Nullable [] drawn) {
    if (drawn != null) {
      for (int token : drawn) {
        if (token == ModelExecutor.StepHandle.UNDECIDED) {
          return null;
        }
      }
    }
    return drawn;
  }

  /** Uses the drawn tokens of a committed step's rows; as {@link #take} with logits. */
  void takeBest(StepPlan plan, int[] best) {
    int row = 0;
    for (int i = 0; i < plan.size(); i++) {
      int rows = plan.rows(i);
      row += rows;
      Sequence s = plan.sequence(i);
      if (rows == 0 || s.computed() < s.length()) {
        continue;
      }
      int token = best[row - 1];
      int length = s.length();
      for (Sequence each : atFork(s) ? s.group().sequences() : List.of(s)) {
        if (!each.finished() && each.length() == length) {
          take(sample(each), token);
        }
      }
    }
  }

  private void take(Sample sample, int token) {
    if (token == Sampler.IMPOSSIBLE) {
      impossible(sample);
    } else {
      append(sample, token, null);
    }
  }

  private void impossible(Sample sample) {
    book.finish(
        sample,
        FinishReason.ERROR,
        "no token can follow position %d: the logits are not finite, or every token is banned"
            .formatted(sample.sequence.length() - 1));
  }

  /** Whether the row of a step that isn't committed yet serves all samples of its group. */
  private static boolean willFork(Sequence s) {
    return s.length() == s.promptLength() && s.group().sequences().size() > 1;
  }

  private static boolean atFork(Sequence s) {
    return s.computed() == s.promptLength() && s.group().sequences().size() > 1;
  }

  /** Uses a committed step's logits, one row after the other as the plan asked for them. */
  void take(StepPlan plan, float[] logits) {
    int row = 0;
    beamsSeen = 0;
    for (int i = 0; i < plan.size(); i++) {
      int rows = plan.rows(i);
      if (rows > 0) {
        take(plan.sequence(i), rows, logits, row);
        row += rows;
      }
    }
  }

  private void take(Sequence s, int rows, float[] logits, int firstRow) {
    ActiveRequest request = request(s.group());
    if (s.group().scoresPrompt()) {
      for (int i = 0; i < rows; i++) {
        int position = s.computed() - rows + i;
        if (position < s.promptLength()) {
          score(request, position, logits, (firstRow + i) * scratch.length);
        }
      }
    }
    if (s.computed() < s.length()) {
      return;
    }
    int last = (firstRow + rows - 1) * scratch.length;
    BeamRun beams = request.beams;
    if (beams != null) {
      advance(request, beams, logits, last);
    } else if (request.purpose == Purpose.GENERATE) {
      sampleFrom(s, logits, last);
    } else {
      if (request.purpose == Purpose.PIN) {
        request.pinned = keep(s);
      }
      book.finish(request, FinishReason.LENGTH, null);
    }
  }

  private void sampleFrom(Sequence s, float[] logits, int offset) {
    if (!atFork(s)) {
      choose(sample(s), logits, offset, false);
      return;
    }
    for (Sequence sibling : s.group().sequences()) {
      if (!sibling.finished() && sibling.length() == s.promptLength()) {
        choose(sample(sibling), logits, offset, true);
      }
    }
  }

  /** A beam's row; its group's beams come one after the other, all in one step. */
  private void advance(ActiveRequest request, BeamRun beams, float[] logits, int offset) {
    beamRows[beamsSeen++] = offset;
    if (beamsSeen < request.group.live()) {
      return;
    }
    clock.sampled += beamsSeen;
    beamsSeen = 0;
    boolean over =
        beams.advance(logits, beamRows, scratch, sampler, scheduler, clock.executedNanos());
    if (over && beams.hasHypothesis()) {
      book.finishSearch(request, beams);
    } else if (over) {
      book.finish(request, FinishReason.ERROR, "no token can continue any beam");
    }
  }

  /** The full blocks of a sequence: only they can be found. */
  private SequenceBlocks keep(Sequence s) {
    SequenceBlocks all = scheduler.finishKeeping(s);
    SequenceBlocks full = allocator.fork(all, s.computed() / blockSize * blockSize);
    allocator.free(all);
    return full;
  }

  private void score(ActiveRequest request, int position, float[] logits, int offset) {
    if (request.rowSink != null) {
      request.rowSink.row(position, logits, offset);
    }
    int wanted = request.params.promptLogprobs();
    if (wanted >= 0) {
      if (position + 1 < request.prompt.length) {
        int next = request.prompt[position + 1];
        request.promptLogprobs.add(sampler.logprobs(logits, offset, next, wanted));
      } else {
        request.stream.promptScored(request.promptLogprobs);
        book.touch(request);
      }
    }
  }

  /** Samples one token from a row and books it. */
  private void choose(Sample sample, float[] logits, int offset, boolean rowShared) {
    ActiveRequest request = sample.request;
    Sequence s = sample.sequence;
    float[] row = logits;
    int at = offset;
    if (rowShared || request.logprobs >= 0) {
      System.arraycopy(logits, offset, scratch, 0, scratch.length);
      row = scratch;
      at = 0;
    }
    int token = sampler.sample(row, at, sample.state, s.tokens(), s.length());
    if (token == Sampler.IMPOSSIBLE) {
      impossible(sample);
      return;
    }
    @Nullable TokenLogprobs scored =
        request.logprobs >= 0 ? sampler.logprobs(logits, offset, token, request.logprobs) : null;
    append(sample, token, scored);
  }

  private void append(Sample sample, int token, @Nullable TokenLogprobs scored) {
    ActiveRequest request = sample.request;
    Sequence s = sample.sequence;
    s.append(token);
    clock.sampled++;
    sample.times.tokenAt(clock.executedNanos());
    boolean ends = request.rules.ends(token);
    request.stream.token(sample.index, token, ends, scored);
    book.touch(request);
    if (ends || sample.state.completes(s.tokens(), s.length())) {
      book.finish(sample, FinishReason.STOP, null);
    } else if (s.length() >= s.group().maxLength()) {
      book.finish(sample, FinishReason.LENGTH, null);
    }
  }
}
