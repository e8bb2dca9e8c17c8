package dev.quire.engine;

import dev.quire.engine.ActiveRequest.Sample;
import dev.quire.engine.Inbox.Command;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.sample.Sampler;
import dev.quire.engine.schedule.PreemptionPolicy;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.SchedulerLimits;
import dev.quire.engine.schedule.SchedulingPolicy;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.SequenceGroup;
import dev.quire.engine.schedule.StepBatchBuilder;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvAllocator;
import dev.quire.paging.PagedAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine thread: takes commands, plans a step, has it executed, samples, hands tokens on, and
 * begins again. It alone touches scheduler, block pool, sampler and executor; others send commands.
 */
final class EngineLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EngineLoop.class);

  private static final float[] NO_LOGITS = {};
  private static final int FEW = 8;

  // Without work for so long, it is time to prepare for other steps.
  private static final long QUIET_NANOS = 500_000_000;

  // Logits that a step may hold for scored prompts: 64 MiB of floats.
  private static final int MAX_PROMPT_LOGITS = 1 << 24;

  private final ModelExecutor executor;
  private final KvAllocator allocator;
  private final Scheduler scheduler;
  private final StepBatchBuilder batches;
  private final SamplingStage sampling;
  private final IntegrityCheck integrity;
  private final MemoryWatch memory;
  private final StepPlan plan = new StepPlan();
  private final StepClock clock = new StepClock();
  private final Inbox inbox;
  private final RequestBook book;
  private final Publisher publisher;
  private final Thread thread;

  private boolean unprepared;
  private boolean quiet;
  private volatile boolean closing;
  private volatile EngineStats stats;
  private volatile @Nullable Throwable death;

  /**
   * @param groups cache groups
   * @param vocabulary tokens that may be generated; rows of logits may be longer
   */
  EngineLoop(
      ModelExecutor executor,
      KvAllocator allocator,
      int groups,
      int vocabulary,
      EngineOptions options) {
    this.executor = executor;
    this.allocator = allocator;
    this.unprepared = executor.compilesSteps();
    // A device computes: processors are free, and steps short.
    this.publisher =
        new Publisher(executor.compilesSteps() && Runtime.getRuntime().availableProcessors() >= 4);
    int promptRows =
        Math.clamp(MAX_PROMPT_LOGITS / executor.vocabularySize(), 1, options.maxNumBatchedTokens());
    this.scheduler =
        new Scheduler(
            allocator,
            new SchedulerLimits(
                options.maxNumSeqs(),
                options.maxNumBatchedTokens(),
                promptRows,
                options.maxNumSeqs(),
                executor.recomputesBeyond()),
            policy(options.policy()),
            preemption(options.preemption(), new MeasuredCosts(executor, groups, clock)));
    this.batches = new StepBatchBuilder(allocator, groups);
    this.inbox = new Inbox(options.maxQueuedRequests());
    this.book = new RequestBook(scheduler, clock, inbox);
    this.sampling =
        new SamplingStage(
            new Sampler(vocabulary), executor.vocabularySize(), scheduler, allocator, book, clock);
    this.integrity = new IntegrityCheck(allocator::checkIntegrity, options.integrityShare());
    this.memory = new MemoryWatch(allocator);
    this.stats = clock.stats(scheduler, memory.usage(true));
    this.thread = Thread.ofPlatform().name("quire-engine").daemon(true).unstarted(this::run);
  }

  private static SchedulingPolicy policy(EngineOptions.Policy policy) {
    return switch (policy) {
      case FIRST_COME_FIRST_SERVED -> SchedulingPolicy.firstComeFirstServed();
      case PRIORITY -> SchedulingPolicy.priority();
      case SHORTEST_REMAINING -> SchedulingPolicy.shortestRemaining();
    };
  }

  private static PreemptionPolicy preemption(
      EngineOptions.Preemption preemption, PreemptionPolicy.Costs costs) {
    return switch (preemption) {
      case RECOMPUTE -> PreemptionPolicy.recompute();
      case SWAP -> PreemptionPolicy.swap();
      case AUTO -> PreemptionPolicy.cheaper(costs);
    };
  }

  void start() {
    thread.start();
  }

  EngineStats stats() {
    return stats;
  }

  StepTokens stepTokens() {
    return clock.stepTokens;
  }

  /** Puts a request into the queue, or refuses. */
  void submit(ActiveRequest request) {
    inbox.submit(request);
    LockSupport.unpark(thread);
  }

  void cancel(ActiveRequest request) {
    send(new Command.Cancel(request));
  }

  void stop(Sample sample) {
    send(new Command.Stop(sample));
  }

  void unpin(ActiveRequest request) {
    send(new Command.Unpin(request));
  }

  /** What is to be seen of the blocks, between two steps; empty where there are no pages. */
  <T> CompletableFuture<Optional<T>> look(Function<PagedAllocator, T> at) {
    var seen = new CompletableFuture<Optional<T>>();
    Runnable look =
        () -> {
          try {
            seen.complete(
                allocator instanceof PagedAllocator paged
                    ? Optional.of(at.apply(paged))
                    : Optional.empty());
          } catch (IndexOutOfBoundsException e) {
            seen.completeExceptionally(e);
          }
        };
    if (!send(new Command.Look(look))) {
      seen.complete(Optional.empty());
    }
    return seen;
  }

  /** Prepares for steps of every size; done when the result is. */
  CompletableFuture<Boolean> prepare() {
    var done = new CompletableFuture<Boolean>();
    Runnable all =
        () -> {
          while (unprepared && !closing && death == null) {
            unprepared = executor.prepare();
          }
          done.complete(true);
        };
    if (!send(new Command.Look(all))) {
      done.complete(false);
    }
    return done;
  }

  private boolean send(Command command) {
    boolean sent = inbox.send(command);
    LockSupport.unpark(thread);
    return sent;
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
          quiet = false;
          step();
        } else {
          publish(true);
          idle();
        }
      }
    } catch (Throwable t) {
      LOG.error("the engine thread failed", t);
      death = t;
    } finally {
      publisher.close();
      wind();
    }
  }

  private void idle() {
    clock.idle();
    if (inbox.isEmpty() && !closing && unprepared) {
      if (!quiet) {
        LockSupport.parkNanos(this, QUIET_NANOS);
      }
      quiet = inbox.isEmpty();
      if (quiet && !closing) {
        unprepared = executor.prepare();
      }
    } else if (inbox.isEmpty() && !closing) {
      LockSupport.park(this);
    }
  }

  private void wind() {
    Throwable cause = death;
    inbox.refuse(cause);
    for (Command command = inbox.poll(); command != null; command = inbox.poll()) {
      if (command instanceof Command.Submit(ActiveRequest request)) {
        book.add(request);
      } else if (command instanceof Command.Look(Runnable task)) {
        task.run();
      }
    }
    FinishReason reason = cause == null ? FinishReason.CANCELLED : FinishReason.ERROR;
    String detail = cause == null ? "the engine was closed" : "the engine has failed: " + cause;
    for (ActiveRequest request : book.active()) {
      book.finish(request, reason, detail);
    }
    stats = clock.stats(scheduler, memory.usage(false));
    book.publish();
    executor.close();
  }

  private void obey() {
    assert Thread.currentThread() == thread;
    for (Command command = inbox.poll(); command != null; command = inbox.poll()) {
      switch (command) {
        case Command.Submit(ActiveRequest request) -> {
          book.add(request);
          scheduler.add(request.group);
        }
        case Command.Cancel(ActiveRequest request) ->
            book.finish(request, FinishReason.CANCELLED, null);
        case Command.Stop(Sample sample) -> book.finish(sample, FinishReason.STOP, null);
        case Command.Look(Runnable task) -> task.run();
        case Command.Unpin(ActiveRequest request) -> {
          SequenceBlocks pinned = request.pinned;
          if (pinned != null) {
            request.pinned = null;
            allocator.free(pinned);
          }
        }
      }
    }
  }

  private void step() {
    clock.planning();
    boolean planned = scheduler.schedule(plan);
    for (SequenceGroup group : plan.unfit()) {
      book.finish(SamplingStage.request(group), FinishReason.ERROR, unfit(group));
    }
    if (!planned) {
      publish(false);
      return;
    }
    for (int i = 0; i < plan.size(); i++) {
      book.start(SamplingStage.request(plan.sequence(i).group()));
    }
    int @Nullable [] best;
    float[] logits;
    try {
      StepBatch batch = batches.build(plan);
      boolean takesBest = sampling.takesBest(plan);
      batch.numDraws = 0;
      if (takesBest) {
        sampling.describeDraws(plan, batch);
      }
      // Few readers are woken faster than another thread is, unless that is awake.
      if (book.news() >= (publisher.looks() ? 1 : FEW)) {
        publisher.begin(book::publish);
      } else {
        book.publish();
      }
      try {
        clock.submitting();
        ModelExecutor.StepHandle step = executor.submit(batch);
        best = takesBest ? SamplingStage.decided(step.awaitBest()) : null;
        logits = best == null ? step.awaitLogits() : NO_LOGITS;
        clock.executed(plan);
      } finally {
        publisher.finish();
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      LOG.error("a step of {} tokens failed", plan.numTokens(), e);
      // Nothing of the step is committed; other requests' blocks are as they were.
      for (int i = 0; i < plan.size(); i++) {
        ActiveRequest request = SamplingStage.request(plan.sequence(i).group());
        book.finish(request, FinishReason.ERROR, "a step failed: " + e);
      }
      scheduler.abandon();
      return;
    }
    scheduler.commit(plan);
    if (best == null) {
      sampling.take(plan, logits);
    } else {
      sampling.takeBest(plan, best);
    }
    if (scheduler.hasWork()) {
      // Their readers are woken while the next step runs; at the end of all work, before it idles.
      stats = clock.stats(scheduler, memory.usage(false));
    }
    integrity.afterStep(clock.executedNanos());
  }

  private String unfit(SequenceGroup group) {
    return "%d sequences of up to %d tokens do not fit the KV cache: %d of its %d blocks are free"
        .formatted(
            group.live(),
            longest(group),
            allocator.usage().freeBlocks(),
            allocator.usage().totalBlocks());
  }

  private static int longest(SequenceGroup group) {
    return group.sequences().stream().mapToInt(Sequence::length).max().orElse(0);
  }

  /** Takes the figures down, then wakes the readers of what changed: they find it counted. */
  private void publish(boolean fresh) {
    stats = clock.stats(scheduler, memory.usage(fresh));
    book.publish();
  }
}
