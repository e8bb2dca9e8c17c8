package dev.quire.tests;

import dev.quire.engine.cpu.CpuExecutor;
import dev.quire.engine.cpu.CpuOptions;
import dev.quire.engine.cpu.math.KvType;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.ModelLoader;
import dev.quire.engine.tornado.TornadoExecutor;
import dev.quire.engine.tornado.TornadoOptions;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import dev.quire.paging.SequenceBlocks;
import dev.quire.weights.ModelFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** A model on an executor over a real paged cache, stepped by hand. */
final class PagedModel implements AutoCloseable {
  private final ModelFile file;
  private final DecoderModel model;
  private final ModelExecutor executor;
  private final PagedAllocator allocator;
  private final int blockSize;

  /** How a model is run. */
  record Setup(int blockSize, int blocks, int threads, boolean exact, KvType kvType) {
    static final Setup USUAL = new Setup(16, 64, 2, false);
    static final Setup EXACT = new Setup(16, 64, 2, true);

    Setup(int blockSize, int blocks, int threads, boolean exact) {
      this(blockSize, blocks, threads, exact, KvType.F32);
    }
  }

  /** A sequence with what is computed of it. */
  static final class Sequence {
    final int[] tokens;
    final SequenceBlocks blocks;
    int length;
    int computed;

    private Sequence(int[] tokens, int capacity, SequenceBlocks blocks) {
      this.tokens = Arrays.copyOf(tokens, capacity);
      this.length = tokens.length;
      this.blocks = blocks;
    }

    void append(int token) {
      tokens[length++] = token;
    }
  }

  PagedModel(Path path, Setup setup) {
    this(
        path,
        setup,
        (model, blocks) ->
            new CpuExecutor(
                model,
                CpuOptions.of(setup.blockSize(), blocks)
                    .withThreads(setup.threads())
                    .withExact(setup.exact())
                    .withKvType(setup.kvType())));
  }

  /** A model on the GPU's kernels, computed by the JVM. */
  static PagedModel onJvmDevice(Path path, Setup setup) {
    return onJvmDevice(path, setup, 4);
  }

  static PagedModel onJvmDevice(Path path, Setup setup, int maxSequences) {
    return onJvmDevice(path, setup, maxSequences, _ -> {});
  }

  /** The same, with what takes the lines that the executor says. */
  static PagedModel onJvmDevice(Path path, Setup setup, int maxSequences, Consumer<String> say) {
    return new PagedModel(
        path,
        setup,
        (model, blocks) ->
            new TornadoExecutor(
                model, new TornadoOptions(setup.blockSize(), blocks, maxSequences, 128, 128, say)));
  }

  private PagedModel(
      Path path, Setup setup, BiFunction<DecoderModel, List<Integer>, ModelExecutor> executorOf) {
    file = ModelFile.open(path);
    model = ModelLoader.load(file);
    blockSize = setup.blockSize();
    int groups = model.spec().cacheGroups().size();
    List<Integer> blocks = Collections.nCopies(groups, setup.blocks());
    executor = executorOf.apply(model, blocks);
    allocator =
        new PagedAllocator(
            new KvCacheConfig(
                blockSize,
                blocks.stream().mapToInt(Integer::intValue).toArray(),
                model.spec().cacheGroups(),
                true,
                0));
  }

  /** Runs an empty step of every size, as a device that compiles does when it is idle. */
  void prepare() {
    while (executor.prepare()) {
      // One size after the other.
    }
  }

  DecoderModel model() {
    return model;
  }

  PagedAllocator allocator() {
    return allocator;
  }

  Sequence sequence(int[] tokens, int capacity) {
    return new Sequence(tokens, capacity, allocator.newSequence(0));
  }

  /** Attaches what the prefix cache knows. */
  int attach(Sequence s) {
    s.computed = allocator.attachPrefix(s.blocks, s.tokens, s.length);
    return s.computed;
  }

  Sequence fork(Sequence s) {
    Sequence child =
        new Sequence(
            Arrays.copyOf(s.tokens, s.length),
            s.tokens.length,
            allocator.fork(s.blocks, s.computed));
    child.computed = s.computed;
    return child;
  }

  void free(Sequence s) {
    allocator.free(s.blocks);
  }

  /**
   * Computes {@code counts[i]} more tokens of each sequence in one step.
   *
   * @param everyRow whether all logits are wanted, or the last row's of each sequence
   */
  float[] step(List<Sequence> sequences, int[] counts, boolean everyRow) {
    var batch = new StepBatch();
    int groups = model.spec().cacheGroups().size();
    int total = Arrays.stream(counts).sum();
    batch.numSequences = sequences.size();
    batch.numTokens = total;
    batch.tokenIds = new int[total];
    batch.positions = new int[total];
    batch.queryStart = new int[sequences.size() + 1];
    batch.contextLengths = new int[sequences.size()];
    batch.slots = new int[groups][total];
    batch.blockTables = new int[groups][];
    batch.tableStride = new int[groups];
    batch.logitsRows = new int[total];
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      if (!allocator.reserve(s.blocks, s.computed, counts[i])) {
        throw new IllegalStateException("no blocks left");
      }
    }
    int row = 0;
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      for (int g = 0; g < groups; g++) {
        s.blocks.copySlots(g, s.computed, counts[i], batch.slots[g], row);
        batch.tableStride[g] = Math.max(batch.tableStride[g], s.blocks.blockCount(g));
      }
      for (int t = 0; t < counts[i]; t++, row++) {
        batch.tokenIds[row] = s.tokens[s.computed + t];
        batch.positions[row] = s.computed + t;
        if (everyRow || t == counts[i] - 1) {
          batch.logitsRows[batch.numLogitsRows++] = row;
        }
      }
      batch.queryStart[i + 1] = row;
      batch.contextLengths[i] = s.computed + counts[i];
    }
    for (int g = 0; g < groups; g++) {
      batch.blockTables[g] = new int[sequences.size() * batch.tableStride[g]];
      for (int i = 0; i < sequences.size(); i++) {
        sequences.get(i).blocks.copyTable(g, batch.blockTables[g], i * batch.tableStride[g]);
      }
    }
    batch.numCopies = allocator.copies().size();
    batch.copyGroup = new int[batch.numCopies];
    batch.copySource = new int[batch.numCopies];
    batch.copyDestination = new int[batch.numCopies];
    allocator.copies().copyTo(batch.copyGroup, batch.copySource, batch.copyDestination);
    allocator.copies().clear();
    float[] logits = executor.submit(batch).awaitLogits();
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      s.computed += counts[i];
      allocator.commit(s.blocks, s.tokens, s.computed);
    }
    return Arrays.copyOf(logits, batch.numLogitsRows * executor.vocabularySize());
  }

  /** The logits at every position, computed in chunks, by a sequence that is freed again. */
  float[] logits(int[] tokens, int chunk) {
    Sequence s = sequence(tokens, tokens.length);
    int vocabulary = executor.vocabularySize();
    float[] all = new float[tokens.length * vocabulary];
    while (s.computed < tokens.length) {
      int from = s.computed;
      int count = Math.min(chunk, tokens.length - from);
      float[] part = step(List.of(s), new int[] {count}, true);
      System.arraycopy(part, 0, all, from * vocabulary, part.length);
    }
    free(s);
    return all;
  }

  /**
   * Greedy continuation. Where the expected token's logit is within a hair of the best, it counts
   * as the best.
   */
  int[] greedy(int[] prompt, int[] expected) {
    Sequence s = sequence(prompt, prompt.length + expected.length);
    int[] result = new int[expected.length];
    int count = prompt.length;
    for (int i = 0; i < expected.length; i++) {
      float[] logits = step(List.of(s), new int[] {count}, false);
      int best = 0;
      for (int v = 1; v < logits.length; v++) {
        best = logits[v] > logits[best] ? v : best;
      }
      result[i] = logits[best] - logits[expected[i]] < 1e-3 ? expected[i] : best;
      s.append(result[i]);
      count = 1;
    }
    free(s);
    return result;
  }

  @Override
  public void close() {
    executor.close();
    file.close();
  }
}
