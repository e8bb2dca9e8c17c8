package dev.quire.engine;

import dev.quire.engine.ActiveRequest.Sample;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.sample.Sampler;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.SchedulerLimits;
import dev.quire.engine.schedule.SchedulingPolicy;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.StepBatchBuilder;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvAllocator;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine thread: takes commands, plans a step, has it executed, samples, hands tokens on, and
 * begins again. It alone touches scheduler, block pool, sampler and executor; others send commands.
 */
final class EngineLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EngineLoop.class);

  // Logits that a step may hold for scored prompts: 64 MiB of floats.
  private static final int MAX_PROMPT_LOGITS = 1 << 24;

  /** What other threads ask of the engine thread, between two steps. */
  private sealed interface Command {
    record Submit(ActiveRequest request) implements Command {}

    record Cancel(ActiveRequest request) implements Command {}

    record Stop(Sample sample) implements Command {}
  }

  private final ModelExecutor executor;
  private final KvAllocator allocator;
  private final Scheduler scheduler;
  private final StepBatchBuilder batches;
  private final Sampler sampler;
  private final boolean checkIntegrity;
  private final int totalBlocks;
  private final int groups;
  private final StepPlan plan = new StepPlan();
  private final Set<ActiveRequest> active = new LinkedHashSet<>();
  private final List<ActiveRequest> touched = new ArrayList<>();
  private final float[] scratch;
  private final Thread thread;
  private final StepClock clock = new StepClock();

  // Shared with other threads; the queue by its own lock, which also guards accepting.
  private final Queue<Command> inbox = new ArrayDeque<>();
  private boolean accepting = true;
  private int queued;
  private final int maxQueued;
  private volatile boolean closing;
  private volatile EngineStats stats = StepClock.NOTHING_YET;
  private volatile @Nullable Throwable death;

  /**
   * @param groups cache groups
   * @param totalBlocks blocks of all groups
   * @param vocabulary tokens that may be generated; rows of logits may be longer
   */
  EngineLoop(
      ModelExecutor executor,
      KvAllocator allocator,
      int groups,
      int totalBlocks,
      int vocabulary,
      EngineOptions options) {
    this.executor = executor;
    this.allocator = allocator;
    this.groups = groups;
    this.totalBlocks = totalBlocks;
    int promptRows =
        Math.clamp(MAX_PROMPT_LOGITS / executor.vocabularySize(), 1, options.maxNumBatchedTokens());
    this.scheduler =
        new Scheduler(
            allocator,
            new SchedulerLimits(options.maxNumSeqs(), options.maxNumBatchedTokens(), promptRows),
            policy(options.policy()));
    this.batches = new StepBatchBuilder(allocator, groups);
    this.sampler = new Sampler(vocabulary);
    this.scratch = new float[executor.vocabularySize()];
    this.checkIntegrity = options.checkIntegrity();
    this.maxQueued = options.maxQueuedRequests();
    this.thread = Thread.ofPlatform().name("quire-engine").daemon(true).unstarted(this::run);
  }

  private static SchedulingPolicy policy(EngineOptions.Policy policy) {
    return switch (policy) {
      case FIRST_COME_FIRST_SERVED -> SchedulingPolicy.firstComeFirstServed();
      case PRIORITY -> SchedulingPolicy.priority();
      case SHORTEST_REMAINING -> SchedulingPolicy.shortestRemaining();
    };
  }

  void start() {
    thread.start();
  }

  EngineStats stats() {
    return stats;
  }

  /** Puts a request into the queue, or refuses. */
  void submit(ActiveRequest request) {
    synchronized (inbox) {
      if (!accepting || closing) {
        Throwable cause = death;
        throw cause == null
            ? new QuireException(QuireException.Kind.CLOSED, "the engine is closed")
            : new QuireException(
                QuireException.Kind.FAILED, "the engine has failed: " + cause, cause);
      }
      if (queued >= maxQueued) {
        throw new QuireException(
            QuireException.Kind.OVERLOADED,
            "the engine is full: %d requests wait, the most it takes (maxQueuedRequests)"
                .formatted(queued));
      }
      queued++;
      inbox.add(new Command.Submit(request));
    }
    LockSupport.unpark(thread);
  }

  void cancel(ActiveRequest request) {
    send(new Command.Cancel(request));
  }

  void stop(Sample sample) {
    send(new Command.Stop(sample));
  }

  private void send(Command command) {
    synchronized (inbox) {
      if (accepting) {
        inbox.add(command);
      }
    }
    LockSupport.unpark(thread);
  }

  /** Ends every request and the thread; waits for it. */
  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!closing) {
        obey();
        if (scheduler.hasWork()) {
          step();
        } else {
          publish();
          idle();
        }
      }
    } catch (Throwable t) {
      LOG.error("the engine thread failed", t);
      death = t;
    } finally {
      wind();
    }
  }

  private void idle() {
    clock.idle();
    boolean nothing;
    synchronized (inbox) {
      nothing = inbox.isEmpty();
    }
    if (nothing && !closing) {
      LockSupport.park(this);
    }
  }

  private void wind() {
    Queue<Command> rest;
    synchronized (inbox) {
      accepting = false;
      rest = new ArrayDeque<>(inbox);
      inbox.clear();
    }
    for (Command command : rest) {
      if (command instanceof Command.Submit(ActiveRequest request)) {
        active.add(request);
      }
    }
    Throwable cause = death;
    FinishReason reason = cause == null ? FinishReason.CANCELLED : FinishReason.ERROR;
    String detail = cause == null ? "the engine was closed" : "the engine has failed: " + cause;
    for (ActiveRequest request : List.copyOf(active)) {
      finish(request, reason, detail);
    }
    publish();
    executor.close();
  }

  private void obey() {
    assert Thread.currentThread() == thread;
    while (true) {
      Command command;
      synchronized (inbox) {
        command = inbox.poll();
      }
      switch (command) {
        case null -> {
          return;
        }
        case Command.Submit(ActiveRequest request) -> {
          active.add(request);
          scheduler.add(request.group);
          clock.submitted++;
        }
        case Command.Cancel(ActiveRequest request) -> finish(request, FinishReason.CANCELLED, null);
        case Command.Stop(Sample sample) -> finish(sample, FinishReason.STOP, null);
      }
    }
  }

  private void step() {
    clock.planning();
    if (!scheduler.schedule(plan)) {
      return;
    }
    for (int i = 0; i < plan.size(); i++) {
      start(sample(plan.sequence(i)).request);
    }
    float[] logits;
    try {
      StepBatch batch = batches.build(plan);
      clock.submitting();
      logits = executor.submit(batch).awaitLogits();
      clock.executed(plan);
    } catch (RuntimeException | OutOfMemoryError e) {
      LOG.error("a step of {} tokens failed", plan.numTokens(), e);
      // Nothing of the step is committed; other requests' blocks are as they were.
      for (int i = 0; i < plan.size(); i++) {
        finish(sample(plan.sequence(i)).request, FinishReason.ERROR, "a step failed: " + e);
      }
      return;
    }
    scheduler.commit(plan);
    int row = 0;
    for (int i = 0; i < plan.size(); i++) {
      int rows = plan.rows(i);
      if (rows > 0) {
        take(plan.sequence(i), rows, logits, row);
        row += rows;
      }
    }
    publish();
    if (checkIntegrity) {
      allocator.checkIntegrity();
    }
  }

  private void start(ActiveRequest request) {
    if (!request.started) {
      request.started = true;
      request.startedNanos = System.nanoTime();
      leaveQueue();
    }
  }

  private void leaveQueue() {
    synchronized (inbox) {
      queued--;
    }
  }

  private static Sample sample(Sequence sequence) {
    return (Sample) Objects.requireNonNull(sequence.attachment());
  }

  /** Uses the rows of logits that a sequence asked for, the first of them {@code firstRow}. */
  private void take(Sequence s, int rows, float[] logits, int firstRow) {
    int width = executor.vocabularySize();
    ActiveRequest request = sample(s).request;
    if (s.group().scoresPrompt()) {
      for (int i = 0; i < rows; i++) {
        int position = s.computed() - rows + i;
        if (position < s.promptLength()) {
          score(request, position, logits, (firstRow + i) * width);
        }
      }
    }
    if (s.computed() < s.length()) {
      return;
    }
    if (request.scoringOnly) {
      finish(request, FinishReason.LENGTH, null);
      return;
    }
    int last = (firstRow + rows - 1) * width;
    boolean atFork = s.computed() == s.promptLength() && s.group().sequences().size() > 1;
    if (!atFork) {
      choose(sample(s), logits, last, false);
      return;
    }
    for (Sequence sibling : s.group().sequences()) {
      if (!sibling.finished() && sibling.length() == s.promptLength()) {
        choose(sample(sibling), logits, last, true);
      }
    }
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
        touch(request);
      }
    }
  }

  /** Samples one token from a row and books it. */
  private void choose(Sample sample, float[] logits, int offset, boolean rowShared) {
    Sequence s = sample.sequence;
    int logprobs = sample.request.logprobs;
    float[] row = logits;
    int at = offset;
    if (rowShared || logprobs >= 0) {
      System.arraycopy(logits, offset, scratch, 0, scratch.length);
      row = scratch;
      at = 0;
    }
    int token = sampler.sample(row, at, sample.state, s.tokens(), s.length());
    if (token == Sampler.IMPOSSIBLE) {
      finish(
          sample,
          FinishReason.ERROR,
          "no token can follow position %d: the logits are not finite, or every token is banned"
              .formatted(s.length() - 1));
      return;
    }
    s.append(token);
    clock.sampled++;
    sample.lastTokenNanos = clock.executedNanos();
    if (sample.firstTokenNanos == 0) {
      sample.firstTokenNanos = sample.lastTokenNanos;
    }
    boolean ends = sample.state.rules().ends(token);
    TokenLogprobs scored = logprobs >= 0 ? sampler.logprobs(logits, offset, token, logprobs) : null;
    sample.request.stream.token(sample.index, token, ends, scored);
    touch(sample.request);
    if (ends) {
      finish(sample, FinishReason.STOP, null);
    } else if (s.length() >= s.group().maxLength()) {
      finish(sample, FinishReason.LENGTH, null);
    }
  }

  private void finish(ActiveRequest request, FinishReason reason, @Nullable String detail) {
    for (Sample sample : request.samples) {
      finish(sample, reason, detail);
    }
  }

  private void finish(Sample sample, FinishReason reason, @Nullable String detail) {
    ActiveRequest request = sample.request;
    if (sample.done) {
      return;
    }
    sample.done = true;
    scheduler.finish(sample.sequence);
    Usage usage = request.usage(sample, System.nanoTime());
    request.stream.finished(
        sample.index, new TokenStream.Finish(reason, detail, usage, Double.NaN));
    touch(request);
    if (--request.live == 0) {
      active.remove(request);
      clock.finished++;
      clock.cachedTokens += usage.cachedTokens();
      if (!request.started) {
        leaveQueue();
      }
    }
  }

  private void touch(ActiveRequest request) {
    if (!request.touched) {
      request.touched = true;
      touched.add(request);
    }
  }

  /** Wakes the readers of what changed and takes the figures down. */
  private void publish() {
    for (int i = 0; i < touched.size(); i++) {
      touched.get(i).touched = false;
      touched.get(i).stream.publish();
    }
    touched.clear();
    int free = 0;
    for (int group = 0; group < groups; group++) {
      free += allocator.freeBlocks(group);
    }
    stats = clock.stats(scheduler, totalBlocks, totalBlocks - free);
  }
}
