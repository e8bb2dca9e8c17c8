package dev.quire.bench;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * One stream, in the figures of llama.cpp's {@code llama-bench}: a prompt processed without
 * generating, or tokens generated from a context of a given depth; each after one warm-up.
 */
public final class LlamaBench {
  private final Engine engine;
  private final int repetitions;

  /** Measures each test {@code repetitions} times. */
  public LlamaBench(Engine engine, int repetitions) {
    this.engine = engine;
    this.repetitions = repetitions;
  }

  /**
   * One test's figures.
   *
   * @param promptTokens tokens of the prompt; 0 in a generation test
   * @param generatedTokens tokens generated; 0 in a prompt test
   * @param depth tokens of context before the first generated one
   * @param samples time of each repetition
   */
  public record Result(int promptTokens, int generatedTokens, int depth, List<Duration> samples) {
    public Result {
      samples = List.copyOf(samples);
    }

    /** Tokens a second of each repetition. */
    public double[] rates() {
      int tokens = promptTokens + generatedTokens;
      return samples.stream().mapToDouble(time -> tokens * 1e9 / time.toNanos()).toArray();
    }
  }

  /** Engine options for these tests: one sequence, no cached prefixes, a cache that just fits. */
  public static EngineOptions.Builder fit(EngineOptions.Builder options, int longest) {
    int blockSize = options.build().blockSize();
    // A generation test holds its start token beside what it generates.
    int blocks = (longest + 1 + blockSize - 1) / blockSize + 2;
    return options
        .maxNumSeqs(1)
        .prefixCaching(false)
        .watermark(0)
        .numKvBlocks(blocks)
        .maxModelLen(longest + 1);
  }

  /** Processing of a prompt. */
  public Result prompt(int tokens) {
    return measure(tokens, 0, 0);
  }

  /**
   * Generation after a prompt, whose time doesn't count.
   *
   * @param depth tokens of the prompt; 0: an empty context
   */
  public Result generation(int tokens, int depth) {
    return measure(0, tokens, depth);
  }

  private Result measure(int promptTokens, int generatedTokens, int depth) {
    if (depth == 0) {
      run(promptTokens, generatedTokens, 0, -1); // a deep context warms up by its prompt
    }
    List<Duration> samples = new ArrayList<>();
    for (int i = 0; i < repetitions; i++) {
      samples.add(run(promptTokens, generatedTokens, depth, i));
    }
    return new Result(promptTokens, generatedTokens, depth, samples);
  }

  private Duration run(int promptTokens, int generatedTokens, int depth, long seed) {
    SamplingParams params =
        SamplingParams.builder()
            .temperature(0)
            .ignoreEos(true)
            .maxTokens(Math.max(1, generatedTokens + (depth > 0 ? 1 : 0)))
            .build();
    int start = Math.max(1, promptTokens + depth);
    Generation done =
        engine
            .submit(
                new GenerationRequest(
                    Tokens.random(start, engine.info().vocabularySize(), seed), params))
            .await();
    Usage usage = done.usage();
    if (depth > 0) {
      return usage.decode(); // the first token comes with the prompt
    }
    // Either way the steps' own time: the prompt's, or that of one token after another, of which
    // the engine counts the first as the start token's prefill.
    return usage.prefill().plus(usage.decode());
  }
}
