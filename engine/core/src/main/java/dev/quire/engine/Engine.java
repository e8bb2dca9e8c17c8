package dev.quire.engine;

import dev.quire.engine.constrain.Constraint;
import dev.quire.engine.constrain.ConstraintCompiler;
import dev.quire.engine.constrain.ConstraintSpec;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.sample.Sampler;
import dev.quire.paging.BlockDetail;
import dev.quire.paging.BlockMap;
import dev.quire.paging.KvAllocator;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.chat.ChatTemplate;
import dev.quire.tokenizer.chat.TemplateTexts;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A model that answers requests: tokenizer, scheduler, paged KV cache, executor and sampler behind
 * one door. Every method may be called from any thread; requests run together, in one batch.
 */
public final class Engine implements AutoCloseable {
  private final ModelInfo info;
  private final @Nullable Tokenizer tokenizer;
  private final @Nullable TemplateTexts chatTemplate;
  private final RequestFactory requests;
  private final ModelExecutor executor;
  private final EngineLoop loop;
  private final @Nullable ConstraintCompiler constraints;
  private final Runnable release;
  private final AtomicLong refused = new AtomicLong();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * What an engine is put together from.
   *
   * @param groups cache groups of the allocator
   * @param release frees what the executor reads from, once it is closed
   */
  record Parts(
      ModelInfo info,
      @Nullable Tokenizer tokenizer,
      @Nullable TemplateTexts chatTemplate,
      ModelExecutor executor,
      KvAllocator allocator,
      int groups,
      Runnable release) {}

  Engine(Parts parts, EngineOptions options) {
    this.info = parts.info();
    this.tokenizer = parts.tokenizer();
    this.chatTemplate = parts.chatTemplate();
    this.release = parts.release();
    this.executor = parts.executor();
    this.requests = new RequestFactory(info, parts.allocator(), options, tokenizer);
    int usable =
        tokenizer == null
            ? info.vocabularySize()
            : Math.min(info.vocabularySize(), tokenizer.vocabularySize());
    this.constraints = tokenizer == null ? null : new ConstraintCompiler(tokenizer, usable);
    this.loop =
        new EngineLoop(parts.executor(), parts.allocator(), parts.groups(), usable, options);
    loop.start();
  }

  /**
   * Loads a model: a GGUF file (the first one of a split model) or a Hugging Face folder.
   *
   * @throws QuireException if the options do not fit the model or the machine
   * @throws RuntimeException of the module that found a fault with the file, its message one line
   *     that names file and place
   */
  public static Engine load(Path model, EngineOptions options) {
    return EngineLoader.load(model, options);
  }

  /**
   * Loads a model that is being read.
   *
   * @throws QuireException as {@link #load(Path, EngineOptions)}, or if it was loaded before
   * @throws RuntimeException as {@link #load(Path, EngineOptions)}
   */
  public static Engine load(ModelReading reading, EngineOptions options) {
    return EngineLoader.load(reading, options);
  }

  /**
   * Loads the small model that comes with the engine.
   *
   * @throws QuireException if this build of the engine comes without one
   */
  public static Engine loadEmbedded(EngineOptions options) {
    return EngineLoader.loadEmbedded(options);
  }

  public ModelInfo info() {
    return info;
  }

  /**
   * The model's tokenizer.
   *
   * @throws QuireException if the model comes without one
   */
  public Tokenizer tokenizer() {
    if (tokenizer == null) {
      throw QuireException.invalid("the model " + info.name() + " comes without a tokenizer");
    }
    return tokenizer;
  }

  /** Whether the model comes with a tokenizer; without one prompts are token ids. */
  public boolean hasTokenizer() {
    return tokenizer != null;
  }

  /**
   * How the model wants a conversation written; empty where it does not say. Parsed here, so that a
   * model with a malformed template still completes texts.
   *
   * @throws dev.quire.tokenizer.chat.ChatTemplateException if it is malformed
   */
  public Optional<ChatTemplate> chatTemplate() {
    return Optional.ofNullable(chatTemplate).map(ChatTemplate::of);
  }

  /**
   * Compiles what generated texts must match, on the calling thread; the latest ones are kept.
   *
   * @throws QuireException if it is malformed, too large, or uses a feature that is not supported,
   *     which the message names; or if the model comes without a tokenizer
   */
  public Constraint constraint(ConstraintSpec spec) {
    if (constraints == null) {
      throw QuireException.invalid("constraints are on texts; this model has no tokenizer");
    }
    return constraints.compile(spec);
  }

  /** Counters and state as of the latest step. */
  public EngineStats stats() {
    return loop.stats().withRefused(refused.get());
  }

  /** How many tokens each step computed; counts on while steps run. */
  public StepTokens stepTokens() {
    return loop.stepTokens();
  }

  /** Generates and waits for the end. */
  public Generation generate(String prompt, SamplingParams params) {
    return submit(new GenerationRequest(Prompt.text(prompt), params)).await();
  }

  /**
   * Puts a request into the queue; its events are read from the handle.
   *
   * @throws QuireException if the request is invalid or cannot fit, saying the numbers; if the
   *     queue is full; or if the engine is closed
   */
  public RequestHandle submit(GenerationRequest request) {
    return submit(request, null);
  }

  /**
   * Puts a request into the queue; its events go to the listener, one at a time, on a virtual
   * thread of the request's own. A listener that throws ends its request.
   *
   * @throws QuireException as {@link #submit(GenerationRequest)}
   */
  public RequestHandle submit(
      GenerationRequest request, @Nullable Consumer<GenerationEvent> listener) {
    try {
      return start(requests.generating(request), listener);
    } catch (QuireException e) {
      refused.incrementAndGet();
      throw e;
    }
  }

  private RequestHandle start(ActiveRequest request, @Nullable Consumer<GenerationEvent> listener) {
    var handle = new RequestHandle(request.id, () -> loop.cancel(request), listener);
    loop.submit(request);
    Thread.ofVirtual()
        .name("quire-request-" + request.id)
        .start(new OutputAssembler(request, handle, tokenizer, loop::stop));
    return handle;
  }

  /**
   * Computes a prefix and keeps it in the KV cache until the result is closed: a system prompt that
   * is given once.
   *
   * @throws QuireException if the prefix does not leave room for a sequence of the greatest length,
   *     saying the numbers; if prefix caching is off; or as {@link #submit(GenerationRequest)}
   */
  public PinnedPrefix pin(Prompt prefix) {
    return pin(prefix, 0);
  }

  /** The same for the requests of a cache salt. */
  public PinnedPrefix pin(Prompt prefix, long cacheSalt) {
    ActiveRequest request = requests.pinning(prefix, cacheSalt);
    Generation done;
    try {
      done = start(request, null).await();
    } catch (RuntimeException e) {
      requests.unpinned(request);
      throw e;
    }
    if (done.finishReason() == FinishReason.CANCELLED) {
      requests.unpinned(request);
      throw new QuireException(
          QuireException.Kind.CLOSED, "the engine was closed while it computed a prefix");
    }
    AtomicBoolean pinned = new AtomicBoolean(true);
    return new PinnedPrefix(
        done.promptTokenIds(),
        request.prompt.length / info.blockSize() * info.blockSize(),
        tokenizer,
        () -> {
          if (pinned.compareAndSet(true, false)) {
            requests.unpinned(request);
            loop.unpin(request);
          }
        });
  }

  /**
   * The logits of every position of a sequence, computed as a prompt is: in chunks, through the
   * paged cache, beside whatever else runs.
   *
   * @param tokenIds at least one, at most {@link ModelInfo#maxModelLen()}
   * @return {@code [tokenIds.length][vocabularySize]}
   */
  public float[][] logits(int[] tokenIds) {
    float[][] rows = new float[tokenIds.length][];
    int width = info.vocabularySize();
    score(
        tokenIds,
        (position, logits, offset) ->
            rows[position] = Arrays.copyOfRange(logits, offset, offset + width));
    return rows;
  }

  /**
   * The log-probability of each token given those before it, natural logarithm. Keeps no logits, so
   * that long texts of large vocabularies can be scored.
   *
   * @param tokenIds at least one, at most {@link ModelInfo#maxModelLen()}
   * @return {@code [tokenIds.length]}; the first, which nothing predicts, is NaN
   */
  public double[] logprobs(int[] tokenIds) {
    double[] result = new double[tokenIds.length];
    Arrays.fill(result, Double.NaN);
    int width = info.vocabularySize();
    score(
        tokenIds,
        (position, logits, offset) -> {
          if (position + 1 < tokenIds.length) {
            double logSum = Sampler.logSum(logits, offset, width);
            result[position + 1] = logits[offset + tokenIds[position + 1]] - logSum;
          }
        });
    return result;
  }

  /** How the hidden states of a text's tokens become one vector. */
  public enum Pooling {
    /** Their mean. */
    MEAN,
    /** That of the last token, which has seen all the others. */
    LAST
  }

  /**
   * The text's place in the model's space: pooled hidden states of the last layer after the final
   * norm, scaled to length 1.
   *
   * @param tokenIds at least one, at most {@link ModelInfo#maxModelLen()}
   * @throws QuireException if the device gives no hidden states
   */
  public float[] embed(int[] tokenIds, Pooling pooling) {
    int size = executor.hiddenSize();
    if (size == 0) {
      throw QuireException.invalid("embeddings are not available on " + info.device());
    }
    double[] sum = new double[size];
    score(
        tokenIds,
        (position, _, offset) -> {
          if (pooling == Pooling.MEAN || position + 1 == tokenIds.length) {
            float[] rows = executor.hiddenRows();
            int row = offset / executor.vocabularySize();
            for (int i = 0; i < size; i++) {
              sum[i] += rows[row * size + i];
            }
          }
        });
    double squares = 0;
    for (double value : sum) {
      squares += value * value;
    }
    double length = squares == 0 ? 1 : Math.sqrt(squares);
    float[] vector = new float[size];
    for (int i = 0; i < size; i++) {
      vector[i] = (float) (sum[i] / length);
    }
    return vector;
  }

  /** Whether the first step of its size takes much longer than later ones, because it compiles. */
  public boolean compilesSteps() {
    return executor.compilesSteps();
  }

  /** Waits until steps of every size are compiled for; else each is at its first, or when idle. */
  public void prepare() {
    if (!loop.prepare().join()) {
      throw new QuireException(QuireException.Kind.CLOSED, "the engine is closed");
    }
  }

  /**
   * The blocks of the KV cache's first group as they stand between two steps, for people to look
   * at; empty once the engine is closed.
   */
  public CompletableFuture<Optional<BlockMap>> blockMap() {
    return loop.look(allocator -> allocator.blockMap(0));
  }

  /**
   * One block of that map: who refers to it, and what it holds. Fails with an {@link
   * IndexOutOfBoundsException} where there is no such block.
   */
  public CompletableFuture<Optional<BlockDetail>> blockDetail(int block) {
    return loop.look(allocator -> allocator.blockDetail(0, block));
  }

  private void score(int[] tokenIds, ActiveRequest.RowSink sink) {
    Generation done = start(requests.scoring(tokenIds, sink), null).await();
    if (done.finishReason() == FinishReason.CANCELLED) {
      throw new QuireException(
          QuireException.Kind.CLOSED, "the engine was closed while it computed logits");
    }
  }

  /**
   * Ends every request, waits for the step under way, and frees model and cache. Handles finish as
   * {@link FinishReason#CANCELLED}.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      loop.close();
      release.run();
    }
  }
}
