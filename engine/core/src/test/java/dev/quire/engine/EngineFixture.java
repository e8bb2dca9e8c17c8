package dev.quire.engine;

import dev.quire.paging.CacheGroup;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Engines over a {@link TokenStoreExecutor}. */
final class EngineFixture {
  static final int VOCABULARY = 96;

  private EngineFixture() {}

  static EngineOptions.Builder options(int blockSize) {
    return EngineOptions.builder().blockSize(blockSize).integrityShare(1);
  }

  static Engine engine(int blocks, EngineOptions options) {
    return engine(blocks, options, null, null, VOCABULARY).engine();
  }

  /** Swapping to a host pool of so many blocks. */
  static EngineOptions.Builder swapping(int blockSize, int hostBlocks) {
    return options(blockSize)
        .preemption(EngineOptions.Preemption.SWAP)
        .swapSpace((long) hostBlocks * blockSize * Integer.BYTES);
  }

  static Built build(int blocks, EngineOptions options) {
    return engine(blocks, options, null, null, VOCABULARY);
  }

  static GenerationRequest request(int[] prompt, SamplingParams params) {
    return new GenerationRequest(Prompt.tokens(prompt), params);
  }

  /** Waits until nothing waits, runs or holds blocks. */
  static void awaitQuiet(Engine engine) throws InterruptedException {
    for (int i = 0; i < 500; i++) {
      EngineStats stats = engine.stats();
      if (stats.runningSequences() == 0
          && stats.waiting() == 0
          && stats.usedBlocks() == 0
          && stats.memory().swappedBlocks() == 0) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("never quiet: " + engine.stats());
  }

  record Built(Engine engine, TokenStoreExecutor executor, PagedAllocator allocator) {}

  static Built engine(
      int blocks,
      EngineOptions options,
      @Nullable CountDownLatch gate,
      @Nullable Tokenizer tokenizer,
      int vocabulary) {
    int blockSize = options.blockSize();
    int hostBlocks = (int) options.swapSpace() / (blockSize * Integer.BYTES);
    var executor = new TokenStoreExecutor(vocabulary, blockSize, blocks, hostBlocks, gate);
    var allocator =
        new PagedAllocator(
            new KvCacheConfig(
                blockSize,
                new int[] {blocks},
                List.of(new CacheGroup("full", 0)),
                options.prefixCaching(),
                options.watermark()),
            new int[] {hostBlocks});
    int longest = options.maxModelLen() > 0 ? options.maxModelLen() : blocks * blockSize;
    var info =
        new ModelInfo(
            "store",
            "test",
            0,
            0,
            vocabulary,
            longest,
            longest,
            blockSize,
            blocks,
            0,
            "test",
            SamplingDefaults.NONE);
    return new Built(
        new Engine(
            new Engine.Parts(info, tokenizer, null, executor, allocator, 1, () -> {}), options),
        executor,
        allocator);
  }

  /** The embedded model's tokenizer. */
  static Tokenizer tokenizer() {
    try (InputStream in =
        Objects.requireNonNull(
            EngineFixture.class.getResourceAsStream("/dev/quire/model/default.gguf"))) {
      byte[] bytes = in.readAllBytes();
      MemorySegment segment = MemorySegment.ofArray(new long[bytes.length / 8 + 1]);
      MemorySegment.copy(MemorySegment.ofArray(bytes), 0, segment, 0, bytes.length);
      GgufFile file = GgufFile.of(segment.asSlice(0, bytes.length), Path.of("embedded.gguf"));
      return Tokenizer.fromGguf(new GgufTokenizerMetadata(file.metadata()));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static int[] prompt(Random random, int length) {
    return random.ints(length, 0, VOCABULARY).toArray();
  }
}
