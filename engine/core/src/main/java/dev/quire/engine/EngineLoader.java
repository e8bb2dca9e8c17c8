package dev.quire.engine;

import com.sun.management.OperatingSystemMXBean;
import dev.quire.engine.chat.GgufTemplate;
import dev.quire.engine.cpu.CpuExecutor;
import dev.quire.engine.cpu.CpuOptions;
import dev.quire.engine.cpu.math.KvType;
import dev.quire.engine.cpu.math.TileStore;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.ModelLoader;
import dev.quire.engine.tornado.TornadoExecutor;
import dev.quire.engine.tornado.TornadoOptions;
import dev.quire.paging.CacheGroup;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.chat.FolderTemplate;
import dev.quire.tokenizer.chat.TemplateTexts;
import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Puts an engine together from a model file: sizes the KV cache, makes executor and tokenizer. */
final class EngineLoader {

  // What the cache takes unasked: enough full-length sequences for a batch, a quarter of the memory
  // that the weights leave, and no more than can be cleared in an instant.
  private static final int DEFAULT_FULL_SEQUENCES = 32;
  private static final int DEFAULT_MEMORY_SHARE = 4;
  private static final long DEFAULT_MOST_MEMORY = 1L << 30;
  private static final long DEFAULT_LEAST_MEMORY = 16L << 20;

  /** What the files of laid-out weights take together; the oldest give way. */
  private static final long MOST_KEPT_WEIGHTS = 20L << 30;

  private static final long DEFAULT_MOST_SWAP = 4L << 30;

  private EngineLoader() {}

  static Engine load(Path path, EngineOptions options) {
    return load(ModelFile.open(path), options);
  }

  static Engine loadEmbedded(EngineOptions options) {
    return load(EmbeddedModel.open(), options);
  }

  private static Engine load(ModelFile file, EngineOptions options) {
    boolean warms =
        options.device().equals("cpu")
            || (options.device().equals("auto") && !TornadoExecutor.onTornadoVm());
    return load(ModelReading.of(file, warms), options);
  }

  static Engine load(ModelReading reading, EngineOptions options) {
    ModelFile file = reading.take();
    Runnable release = file::close;
    try {
      LoadedModel loaded = model(file, options, reading);
      Tokenizer tokenizer = tokenizer(reading, loaded.executor());
      DecoderSpec spec = loaded.spec();
      int blocks = loaded.blocks();
      int groups = spec.cacheGroups().size();
      int[] blocksPerGroup = new int[groups];
      Arrays.fill(blocksPerGroup, blocks);
      int[] hostBlocks = new int[groups];
      Arrays.setAll(hostBlocks, loaded.executor()::hostBlocks);
      var allocator =
          new PagedAllocator(
              new KvCacheConfig(
                  options.blockSize(),
                  blocksPerGroup,
                  spec.cacheGroups(),
                  options.prefixCaching(),
                  options.watermark()),
              hostBlocks);
      ModelInfo info =
          new ModelInfo(
              name(file),
              spec.architecture(),
              file.tensors().stream().mapToLong(Tensor::elements).sum(),
              weightBytes(file),
              spec.vocabularySize(),
              spec.contextLength(),
              loaded.maxTokens(),
              options.blockSize(),
              blocks * groups,
              loaded.kvBytes(),
              loaded.device(),
              SamplingDefaultsReader.read(file));
      return new Engine(
          new Engine.Parts(
              info, tokenizer, chatTemplate(file), loaded.executor(), allocator, groups, release),
          options);
    } catch (RuntimeException | Error e) {
      release.run();
      throw e;
    }
  }

  /** Makes the executor while the vocabulary is read; what is wrong with that is said first. */
  private static LoadedModel model(ModelFile file, EngineOptions options, ModelReading reading) {
    try {
      return model(file, options);
    } catch (RuntimeException | Error e) {
      reading.tokenizer(); // the file may be closed after this
      throw e;
    }
  }

  private static @Nullable Tokenizer tokenizer(ModelReading reading, ModelExecutor executor) {
    try {
      return reading.tokenizer();
    } catch (RuntimeException | Error e) {
      executor.close();
      throw e;
    }
  }

  /** Sizes the cache and makes the executor; the file stays open for it. */
  static LoadedModel model(ModelFile file, EngineOptions options) {
    DecoderModel model = ModelLoader.load(file);
    DeviceChoice device = DeviceChoice.of(options.device(), model.spec());
    DecoderSpec spec = model.spec();
    boolean cpu = device.kind() == DeviceChoice.Kind.CPU;
    boolean gpu = device.kind() == DeviceChoice.Kind.GPU;
    KvType kvType = kvType(options, cpu);
    long blockBytes =
        cpu
            ? blockBytes(spec, kvType, options.blockSize())
            : deviceBlockBytes(spec, options.blockSize());
    int blocks =
        gpu
            ? GpuMemoryPlan.blocks(model, options)
            : blocks(spec, weightBytes(file), blockBytes, options);
    List<Integer> hostBlocks = hostBlocks(spec, blocks, blockBytes, gpu, options);
    int maxModelLen = maxModelLen(spec, blocks, options);
    List<Integer> groupBlocks = Collections.nCopies(spec.cacheGroups().size(), blocks);
    ModelExecutor executor =
        cpu
            ? new CpuExecutor(
                model,
                CpuOptions.of(options.blockSize(), groupBlocks)
                    .withHostBlocks(hostBlocks)
                    .withThreads(options.threads())
                    .withExact(options.exact())
                    .withKvType(kvType)
                    .withTileStore(tileStore(file, options)))
            : new TornadoExecutor(
                model,
                new TornadoOptions(
                    options.blockSize(),
                    groupBlocks,
                    hostBlocks,
                    options.maxNumSeqs(),
                    options.maxNumBatchedTokens(),
                    maxModelLen,
                    options.say()));
    return new LoadedModel(
        name(file),
        spec,
        executor,
        blocks,
        blocks * blockBytes,
        maxModelLen,
        device.reason() + executor.describe(),
        file::close);
  }

  /** How the cache holds numbers on the CPU; on a device, a check. */
  private static KvType kvType(EngineOptions options, boolean cpu) {
    String type = options.kvCacheType();
    if (cpu) {
      return type.equals("auto") ? KvType.F32 : KvType.valueOf(type.toUpperCase(Locale.ROOT));
    }
    if (!type.equals("auto") && !type.equals("f16")) {
      throw QuireException.outOfRange(
          "kvCacheType",
          "f16 or auto where the GPU's kernels compute, which hold keys and values in f16 alone",
          type);
    }
    return KvType.F32;
  }

  private static @Nullable TileStore tileStore(ModelFile file, EngineOptions options) {
    Path folder = options.weightCache();
    return folder == null ? null : new TileStore(folder, MOST_KEPT_WEIGHTS, file.path());
  }

  private static String name(ModelFile file) {
    String fallback = String.valueOf(file.path().getFileName());
    return file instanceof GgufFile gguf
        ? gguf.metadata().string("general.name", fallback)
        : fallback;
  }

  private static @Nullable TemplateTexts chatTemplate(ModelFile file) {
    return switch (file) {
      case GgufFile gguf -> GgufTemplate.read(gguf);
      case HuggingFaceFolder folder -> FolderTemplate.read(folder.path());
    };
  }

  private static long weightBytes(ModelFile file) {
    return file.tensors().stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
  }

  /** One block of every cache group. */
  private static long blockBytes(DecoderSpec spec, KvType type, int blockSize) {
    long bytes = 0;
    for (int group = 0; group < spec.cacheGroups().size(); group++) {
      bytes += CpuExecutor.blockBytes(spec, type, group, blockSize);
    }
    return bytes;
  }

  /** The same on a device. */
  private static long deviceBlockBytes(DecoderSpec spec, int blockSize) {
    long bytes = 0;
    for (int group = 0; group < spec.cacheGroups().size(); group++) {
      bytes += TornadoExecutor.blockBytes(spec, group, blockSize);
    }
    return bytes;
  }

  /** Blocks of each cache group. */
  private static int blocks(
      DecoderSpec spec, long weightBytes, long blockBytes, EngineOptions options) {
    long free = freeMemory();
    long blocks;
    if (options.numKvBlocks() > 0) {
      blocks = options.numKvBlocks();
    } else if (options.kvCacheMemory() > 0) {
      blocks = options.kvCacheMemory() / blockBytes;
    } else {
      long share = Math.max(0, free - weightBytes) / DEFAULT_MEMORY_SHARE;
      long memory = Math.clamp(share, DEFAULT_LEAST_MEMORY, DEFAULT_MOST_MEMORY);
      long longest = options.maxModelLen() > 0 ? options.maxModelLen() : spec.contextLength();
      long sequences = Math.min(options.maxNumSeqs(), DEFAULT_FULL_SEQUENCES);
      long useful = Math.ceilDiv(longest, options.blockSize()) * sequences;
      blocks = Math.min(memory / blockBytes, useful);
    }
    if (blocks < 1) {
      throw QuireException.invalid(
          "kvCacheMemory of %d bytes holds no block: one of %d tokens takes %d bytes"
              .formatted(options.kvCacheMemory(), options.blockSize(), blockBytes));
    }
    if (blocks > Integer.MAX_VALUE / options.blockSize() || blocks > free / blockBytes) {
      throw QuireException.invalid(
          "a KV cache of %d blocks takes %d MiB; %d MiB of memory are free"
              .formatted(blocks, (blocks * blockBytes) >> 20, free >> 20));
    }
    return (int) blocks;
  }

  /**
   * Blocks of each cache group's host pool. On the CPU device and host memory are one, so blocks
   * are swapped only if that is asked for. The pool of a GPU takes memory only as it fills; unless
   * its size is given, it is no larger than the KV cache, as in the paper.
   */
  private static List<Integer> hostBlocks(
      DecoderSpec spec, int blocks, long blockBytes, boolean gpu, EngineOptions options) {
    long bytes = options.swapSpace();
    long cache = blocks * blockBytes;
    if (bytes == 0 && gpu) {
      bytes = Math.min(cache, Math.min(DEFAULT_MOST_SWAP, freeMemory() / DEFAULT_MEMORY_SHARE));
    } else if (bytes == 0 && options.preemption() == EngineOptions.Preemption.SWAP) {
      bytes = cache;
    }
    if (options.preemption() == EngineOptions.Preemption.RECOMPUTE) {
      bytes = 0;
    }
    long free = freeMemory() - (gpu ? 0 : cache);
    if (bytes > free) {
      throw QuireException.invalid(
          "swapSpace of %d MiB: %d MiB of memory are free beside the KV cache"
              .formatted(bytes >> 20, free >> 20));
    }
    long hostBlocks = bytes / blockBytes;
    if (hostBlocks == 0 && bytes > 0 && options.swapSpace() > 0) {
      throw QuireException.invalid(
          "swapSpace of %d bytes holds no block: one of %d tokens takes %d bytes"
              .formatted(bytes, options.blockSize(), blockBytes));
    }
    int each = (int) Math.min(hostBlocks, Integer.MAX_VALUE / options.blockSize());
    return Collections.nCopies(spec.cacheGroups().size(), each);
  }

  private static long freeMemory() {
    var system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return Math.max(system.getFreeMemorySize(), system.getTotalMemorySize() / 2);
  }

  private static int maxModelLen(DecoderSpec spec, int blocks, EngineOptions options) {
    int context = spec.contextLength();
    int asked = options.maxModelLen();
    if (asked > context) {
      throw QuireException.outOfRange(
          "maxModelLen", "at most the model's context, %d tokens".formatted(context), asked);
    }
    boolean full = spec.cacheGroups().stream().anyMatch(group -> !group.windowed());
    int window = spec.cacheGroups().stream().mapToInt(CacheGroup::slidingWindow).max().orElse(0);
    long held = (long) blocks * options.blockSize();
    // A pool that holds a window and the block that moves in holds any length.
    long longest = full || held < window + options.blockSize() ? held : context;
    if (asked > longest) {
      throw QuireException.outOfRange(
          "maxModelLen",
          "at most %d, what the KV cache's %d blocks of %d tokens hold"
              .formatted(longest, blocks, options.blockSize()),
          asked);
    }
    return (int) Math.min(asked > 0 ? asked : context, longest);
  }
}
