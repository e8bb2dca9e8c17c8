package dev.quire.bench.paper;

import dev.quire.engine.schedule.PreemptionPolicy;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.SchedulerLimits;
import dev.quire.engine.schedule.SchedulingPolicy;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.SequenceGroup;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvAllocator;
import dev.quire.paging.KvUsage;
import dev.quire.paging.LengthHint;
import dev.quire.paging.ReservingAllocator;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A system serving a trace. The engine's scheduler and allocators decide each step; the platform
 * executes it, or says how long it would take. Time is the platform's: while nothing is there to do
 * it jumps to the next arrival. Tokens are drawn, so that every system does the same work.
 */
public final class ServingRun {
  // Memory is looked at every so many steps.
  private static final int SAMPLING_INTERVAL = 16;
  private static final double THROUGHPUT_SHARE = 0.75;

  /**
   * What to run.
   *
   * @param rate requests a second; infinite if all are there from the start
   * @param seconds during which requests arrive; the run goes on until all are served
   * @param requests that arrive at most
   * @param samples outputs a request
   * @param beams whether these are the beams of a search
   */
  public record Setup(
      ServingSystem system,
      Platform platform,
      Trace trace,
      double rate,
      double seconds,
      int requests,
      int blockSize,
      int samples,
      boolean beams,
      long seed) {
    static Setup of(ServingSystem system, Platform platform, Trace trace, double rate) {
      return new Setup(system, platform, trace, rate, 1000, Integer.MAX_VALUE, 16, 1, false, 1);
    }

    Setup withSamples(int count, boolean areBeams) {
      return new Setup(
          system, platform, trace, rate, seconds, requests, blockSize, count, areBeams, seed);
    }

    Setup withRate(double value) {
      return new Setup(
          system, platform, trace, value, seconds, requests, blockSize, samples, beams, seed);
    }

    Setup withSeconds(double value) {
      return new Setup(
          system, platform, trace, rate, value, requests, blockSize, samples, beams, seed);
    }

    Setup withRequests(int value) {
      return new Setup(
          system,
          platform,
          trace,
          rate,
          Double.POSITIVE_INFINITY,
          value,
          blockSize,
          samples,
          beams,
          seed);
    }

    /** The same with other arrivals and lengths of the same distributions. */
    Setup withSeed(long value) {
      return new Setup(
          system, platform, trace, rate, seconds, requests, blockSize, samples, beams, value);
    }

    Setup withBlockSize(int value) {
      return new Setup(
          system, platform, trace, rate, seconds, requests, value, samples, beams, seed);
    }
  }

  /**
   * What came of it; memory and batch are means over simulated time while requests arrived.
   *
   * @param latency mean, in seconds a token, of the requests' times from arrival to end over their
   *     output tokens
   * @param batched requests that ran at once
   * @param tokenShare share of the memory held that stores tokens
   * @param reservedShare set aside for tokens to come
   * @param internalShare set aside for tokens that never come
   * @param externalShare lost between reservations
   * @param roundingShare part of the external share that lies in blocks beyond a reservation; the
   *     rest is free memory while a request waits that it cannot hold
   * @param savedShare blocks that sharing saves, of those needed without
   * @param throughput output tokens a second until three quarters of them were out
   * @param steps where the time went
   */
  public record Result(
      Setup setup,
      double latency,
      double batched,
      double tokenShare,
      double reservedShare,
      double internalShare,
      double externalShare,
      double roundingShare,
      double savedShare,
      double throughput,
      long preemptions,
      int requests,
      StepTimes steps) {}

  private static final class Request {
    final Trace.Arrival arrival;
    int endedSamples;

    Request(Trace.Arrival arrival) {
      this.arrival = arrival;
    }
  }

  private final Setup setup;
  private final KvAllocator allocator;
  private final Scheduler scheduler;
  private final Platform.Steps executed;
  private final StepPlan plan = new StepPlan();
  private final StepTimes.Sum times = new StepTimes.Sum();
  private final SplittableRandom random;
  private final Genealogy genealogy;
  private final Deque<Request> batchQueue = new ArrayDeque<>();
  private double now;
  private long number;
  private int steps;
  private int served;
  private double latencySum;
  private double sampledTime;
  private double sinceSample;
  private final double[] sums = new double[7];
  private int runningGroups;
  private double tokensInAll;
  private double tokensOut;
  private double throughput;

  private ServingRun(Setup setup) {
    this.setup = setup;
    this.random = new SplittableRandom(setup.seed ^ 0x5DEECE66DL);
    this.genealogy = new Genealogy(setup.samples, random);
    Platform platform = setup.platform;
    boolean prefixes = setup.trace.prefix() > 0 && setup.system.paged();
    this.allocator =
        setup.system.allocator(platform.slots(), setup.blockSize, platform.maxTokens(), prefixes);
    this.scheduler =
        new Scheduler(
            allocator,
            new SchedulerLimits(
                platform.maxSequences(),
                platform.stepTokens(),
                platform.stepTokens(),
                platform.maxSequences()),
            SchedulingPolicy.firstComeFirstServed(),
            PreemptionPolicy.recompute());
    this.executed = platform.steps(allocator, setup.system.paged());
  }

  /** Runs it; on simulated platforms the same setup gives the same result. */
  public static Result run(Setup setup) {
    return new ServingRun(setup).run();
  }

  private Result run() {
    List<Trace.Arrival> arrivals =
        setup.trace.arrivals(setup.rate, setup.seconds, setup.requests, setup.seed);
    for (Trace.Arrival arrival : arrivals) {
      tokensInAll += (double) arrival.output() * setup.samples;
    }
    executed.idle();
    int next = 0;
    while (next < arrivals.size() || scheduler.hasWork() || !batchQueue.isEmpty()) {
      while (next < arrivals.size() && arrivals.get(next).at() <= now) {
        submit(new Request(arrivals.get(next++)));
      }
      startBatch();
      if (!scheduler.hasWork()) {
        now = arrivals.get(next).at();
        executed.idle();
        continue;
      }
      step();
    }
    double held = sums[1] + sums[2] + sums[3] + sums[4];
    double time = Math.max(sampledTime, 1e-9);
    return new Result(
        setup,
        latencySum / Math.max(1, served),
        sums[0] / time,
        sums[1] / held,
        sums[2] / held,
        sums[3] / held,
        sums[4] / held,
        sums[6] / held,
        sums[5] / time,
        throughput,
        scheduler.preemptions(),
        served,
        times.of(executed.planning(), scheduler.preemptions()));
  }

  private void submit(Request request) {
    if (setup.system == ServingSystem.FASTER_TRANSFORMER) {
      batchQueue.add(request);
    } else {
      start(request);
    }
  }

  /** A static batch starts when the one before has ended as a whole. */
  private void startBatch() {
    if (batchQueue.isEmpty() || scheduler.hasWork()) {
      return;
    }
    int most = setup.platform.slots() / setup.platform.maxTokens() / setup.samples;
    for (int i = 0; i < Math.max(1, most) && !batchQueue.isEmpty(); i++) {
      start(batchQueue.remove());
    }
  }

  private void start(Request request) {
    Trace.Arrival a = request.arrival;
    int[] prompt = new int[a.prompt()];
    for (int i = setup.trace.prefix(); i < prompt.length; i++) {
      prompt[i] = setup.trace.prefix() == 0 ? 0 : token();
    }
    scheduler.add(
        new SequenceGroup(
            new SequenceGroup.Spec(
                number++,
                0,
                0,
                prompt,
                setup.beams ? 1 : setup.samples,
                setup.beams ? setup.samples : 0,
                a.prompt() + a.output(),
                false,
                new LengthHint(a.prompt(), a.output()),
                request)));
    runningGroups++;
  }

  private void step() {
    if (!scheduler.schedule(plan)) {
      throw new IllegalStateException("a request does not fit the memory");
    }
    double seconds = executed.run(plan);
    boolean waiting = scheduler.waitingGroups() > 0;
    boolean refused = waiting && plan.numTokens() < setup.platform.stepTokens();
    double free = (double) allocator.freeBlocks(0) * setup.blockSize / setup.platform.slots();
    times.add(plan, seconds, waiting, refused, free);
    scheduler.commit(plan);
    now += seconds;
    sinceSample += seconds;
    tokensOut += plan.numRows();
    if (throughput == 0 && tokensOut >= THROUGHPUT_SHARE * tokensInAll) {
      throughput = tokensOut / now;
    }
    if (steps++ % SAMPLING_INTERVAL == 0) {
      sampleMemory();
    }
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      if (plan.rows(i) > 0 && !s.finished() && s.computed() == s.length()) {
        extend(s);
      }
    }
  }

  private void extend(Sequence s) {
    SequenceGroup group = s.group();
    if (setup.beams) {
      if (s == group.sequences().getLast()) {
        branch(group);
      }
    } else if (s.length() == s.promptLength()) {
      for (Sequence sample : List.copyOf(group.sequences())) {
        append(sample);
      }
    } else {
      append(s);
    }
  }

  private void append(Sequence s) {
    s.append(token());
    if (s.length() >= s.group().maxLength()) {
      scheduler.finish(s);
      Request request = request(s.group());
      if (++request.endedSamples == setup.samples) {
        ended(request);
      }
    }
  }

  private void branch(SequenceGroup group) {
    if (group.sequences().getFirst().length() + 1 >= group.maxLength()) {
      for (Sequence s : List.copyOf(group.sequences())) {
        scheduler.finish(s);
      }
      ended(request(group));
      return;
    }
    List<Sequence> beams = List.copyOf(group.sequences());
    List<Sequence> parents = new ArrayList<>();
    for (int parent : genealogy.parents(beams.size())) {
      parents.add(beams.get(parent));
    }
    for (Sequence s : scheduler.branch(group, parents)) {
      s.append(token());
    }
  }

  private int token() {
    return random.nextInt(setup.platform.vocabulary());
  }

  private static Request request(SequenceGroup group) {
    @Nullable Object attachment = group.attachment();
    return (Request) Objects.requireNonNull(attachment);
  }

  private void ended(Request request) {
    runningGroups--;
    served++;
    latencySum += (now - request.arrival.at()) / request.arrival.output();
  }

  private void sampleMemory() {
    if (now <= setup.seconds) {
      KvUsage usage = allocator.usage();
      double weight = sinceSample;
      sampledTime += weight;
      sums[0] += weight * (runningGroups - scheduler.waitingGroups());
      sums[1] += weight * usage.tokenSlots();
      sums[2] += weight * usage.reservedSlots();
      sums[3] += weight * usage.internalSlots();
      sums[4] += weight * usage.externalSlots();
      sums[5] += weight * usage.savedShare();
      sums[6] += weight * (allocator instanceof ReservingAllocator r ? r.roundingSlots() : 0);
    }
    sinceSample = 0;
  }
}
