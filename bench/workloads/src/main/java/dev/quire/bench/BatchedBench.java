package dev.quire.bench;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.Usage;
import java.util.ArrayList;
import java.util.List;

/**
 * Many streams at once, in the figures of llama.cpp's {@code llama-batched-bench}: prompts of their
 * own processed together, then tokens generated side by side.
 */
public final class BatchedBench {
  private static final int LARGEST_STEP = 1 << 14;

  private final Engine engine;

  public BatchedBench(Engine engine) {
    this.engine = engine;
  }

  /**
   * One line of the table.
   *
   * @param pp prompt tokens a stream
   * @param tg generated tokens a stream
   * @param pl streams
   * @param secondsPrompt until every stream's first token
   * @param secondsGenerate from there to the end
   * @param tokensGenerate tokens generated in that time
   */
  public record Result(
      int pp, int tg, int pl, double secondsPrompt, double secondsGenerate, double tokensGenerate) {
    /** KV cache slots used at the end. */
    public int kvTokens() {
      return pl * (pp + tg);
    }

    public double promptRate() {
      return pl * pp / secondsPrompt;
    }

    public double generateRate() {
      return tokensGenerate / secondsGenerate;
    }

    public double seconds() {
      return secondsPrompt + secondsGenerate;
    }

    public double rate() {
      return (pl * pp + tokensGenerate) / seconds();
    }
  }

  /**
   * Engine options for the largest of these tests; prompts of a test go in one step if they can.
   */
  public static EngineOptions.Builder fit(EngineOptions.Builder options, int pp, int tg, int pl) {
    int blockSize = options.build().blockSize();
    int blocksEach = (pp + tg + 1 + blockSize - 1) / blockSize + 1;
    return options
        .maxNumSeqs(pl)
        .prefixCaching(false)
        .watermark(0)
        .numKvBlocks(Math.multiplyExact(blocksEach, pl) + 1)
        .maxModelLen(pp + tg + 1)
        .maxNumBatchedTokens((int) Math.clamp((long) pp * pl, 512L, LARGEST_STEP));
  }

  /**
   * Runs what the tests compute, uncounted: the same streams and prompts on a device that compiles
   * for each size of step, short prompts on the CPU, which only loads.
   */
  public void warmUp(int pp, int pl) {
    boolean compiles = engine.compilesSteps();
    engine.prepare();
    run(compiles ? pp : Math.min(16, pp), 4, compiles ? pl : 1);
  }

  /** Runs one test. */
  public Result run(int pp, int tg, int pl) {
    // The prompt's step gives each stream its first token; tg steps follow it.
    SamplingParams params =
        SamplingParams.builder().temperature(0).ignoreEos(true).maxTokens(tg + 1).build();
    List<RequestHandle> handles = new ArrayList<>();
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < pl; i++) {
      requests.add(
          new GenerationRequest(Tokens.random(pp, engine.info().vocabularySize(), i), params));
    }
    long[] submitted = new long[pl];
    long start = System.nanoTime();
    for (int i = 0; i < pl; i++) {
      submitted[i] = System.nanoTime() - start;
      handles.add(engine.submit(requests.get(i)));
    }
    long[] first = new long[pl];
    long[] end = new long[pl];
    long lastFirst = 0;
    long lastEnd = 0;
    for (int i = 0; i < pl; i++) {
      Generation done = handles.get(i).await();
      Usage usage = done.usage();
      first[i] = submitted[i] + usage.timeToFirstToken().toNanos();
      end[i] = first[i] + usage.decode().toNanos();
      lastFirst = Math.max(lastFirst, first[i]);
      lastEnd = Math.max(lastEnd, end[i]);
    }
    // Where the prompts did not fit one step, early streams have decoded meanwhile: not counted.
    double tokens = 0;
    for (int i = 0; i < pl; i++) {
      double share =
          end[i] <= first[i] ? 0 : Math.max(0, end[i] - lastFirst) / (double) (end[i] - first[i]);
      tokens += tg * share;
    }
    return new Result(pp, tg, pl, lastFirst / 1e9, (lastEnd - lastFirst) / 1e9, tokens);
  }
}
