package dev.quire.bench;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.EngineStats;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.QuireException;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The time of one step: of single tokens of many sequences at some context, or of a prompt's chunk;
 * each after a warm-up.
 */
public final class StepBench {
  private static final int WARM_UP = 8;
  private static final long LOOK_NANOS = 200_000;

  private final Engine engine;
  private final int steps;
  private final int batch;

  /**
   * Prepares the engine for steps of every size.
   *
   * @param steps steps that a figure is the mean of
   * @param batch the most tokens of a step
   */
  public StepBench(Engine engine, int steps, int batch) {
    this.engine = engine;
    this.steps = steps;
    this.batch = batch;
    engine.prepare();
  }

  /**
   * Tokens that a stream needs: the first ones decode while the last ones' prompts are computed.
   */
  private static int generated(int streams, int context, int steps, int batch) {
    return steps + 3 * WARM_UP + Math.ceilDiv(streams * context, Math.max(1, batch - streams));
  }

  /**
   * Steps of single tokens.
   *
   * @param streams sequences of the step
   * @param context tokens in each one's cache when the measurement begins
   * @param milliseconds of a step, the executor's part
   * @param hostMilliseconds between two steps
   */
  public record Decode(int streams, int context, double milliseconds, double hostMilliseconds) {
    public double tokensPerSecond() {
      return streams * 1e3 / (milliseconds + hostMilliseconds);
    }
  }

  /**
   * Prompts.
   *
   * @param milliseconds of each repetition, the shortest first
   */
  public record Prefill(int tokens, List<Double> milliseconds) {
    public Prefill {
      milliseconds = List.copyOf(milliseconds);
    }

    public double median() {
      return milliseconds.get(milliseconds.size() / 2);
    }

    public double tokensPerSecond() {
      return tokens * 1e3 / median();
    }
  }

  /** Engine options that hold all of these steps. */
  public static EngineOptions.Builder fit(
      EngineOptions.Builder options, int streams, int context, int steps, int prefill, int batch) {
    int blockSize = options.build().blockSize();
    int decoded = context + generated(streams, context, steps, batch);
    int longest = Math.max(decoded, prefill + 1);
    long blocks =
        Math.max(
            (long) streams * (Math.ceilDiv(decoded, blockSize) + 1),
            Math.ceilDiv(longest, blockSize) + 1L);
    return options
        .maxNumSeqs(streams)
        .prefixCaching(false)
        .watermark(0)
        .numKvBlocks(Math.toIntExact(blocks + 1))
        .maxNumBatchedTokens(batch)
        .maxModelLen(longest + 1);
  }

  /** Measures steps of single tokens. */
  public Decode decode(int streams, int context) {
    SamplingParams params =
        SamplingParams.builder()
            .temperature(0)
            .ignoreEos(true)
            .maxTokens(generated(streams, context, steps, batch))
            .build();
    List<RequestHandle> handles = new ArrayList<>();
    EngineStats before = engine.stats();
    for (int i = 0; i < streams; i++) {
      handles.add(
          engine.submit(
              new GenerationRequest(
                  Tokens.random(context, engine.info().vocabularySize(), i), params)));
    }
    long ended = before.requestsFinished();
    long prefilled = before.prefillTokens() + (long) streams * context;
    EngineStats from = engine.stats();
    while (from.prefillTokens() < prefilled) {
      from = look(from.steps(), ended);
    }
    long warm = from.steps() + WARM_UP;
    while (from.steps() < warm) {
      from = look(from.steps(), ended);
    }
    EngineStats to = from;
    while (to.steps() < from.steps() + steps && to.runningSequences() == streams) {
      to = look(to.steps(), ended);
    }
    handles.forEach(RequestHandle::cancel);
    handles.forEach(RequestHandle::await);
    double count = to.steps() - from.steps();
    if (count < 1) {
      throw new QuireException(
          QuireException.Kind.FAILED, "no step of %d streams was seen".formatted(streams));
    }
    return new Decode(
        streams,
        context,
        (to.decodeNanos() - from.decodeNanos()) / count / 1e6,
        (to.hostNanos() - from.hostNanos()) / count / 1e6);
  }

  /** The figures after a later step than {@code step}, unless a request ends before. */
  private EngineStats look(long step, long ended) {
    EngineStats stats = engine.stats();
    while (stats.steps() <= step) {
      if (stats.requestsFinished() > ended && stats.runningSequences() == 0) {
        throw new QuireException(
            QuireException.Kind.FAILED, "a request ended before its steps were measured");
      }
      LockSupport.parkNanos(LOOK_NANOS);
      stats = engine.stats();
    }
    return stats;
  }

  /** Measures a prompt, {@code repetitions} times. */
  public Prefill prefill(int tokens, int repetitions) {
    SamplingParams params =
        SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(1).build();
    List<Double> milliseconds = new ArrayList<>();
    for (int i = -1; i < repetitions; i++) {
      Duration took =
          engine
              .submit(
                  new GenerationRequest(
                      Tokens.random(tokens, engine.info().vocabularySize(), i), params))
              .await()
              .usage()
              .prefill();
      if (i >= 0) {
        milliseconds.add(took.toNanos() / 1e6);
      }
    }
    milliseconds.sort(null);
    return new Prefill(tokens, milliseconds);
  }
}
