package dev.quire.cli;

import dev.quire.engine.EngineOptions;
import dev.quire.engine.QuireException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How the engine lays out its KV cache and its steps, by the names vLLM's users know. */
final class ServingOptions {
  private static final int USUAL_SEQUENCES = 256;

  @Option(
      names = {"--max-model-len", "-c", "--ctx-size"},
      paramLabel = "TOKENS",
      description =
          "The longest sequence taken (default: the model's context, or what the KV cache holds).")
  private int maxModelLen;

  @Option(
      names = "--max-num-seqs",
      paramLabel = "N",
      description =
          "The most sequences that run at once (default: "
              + USUAL_SEQUENCES
              + ", or what the command has).")
  private @Nullable Integer maxNumSeqs;

  @Option(
      names = "--max-num-batched-tokens",
      paramLabel = "N",
      description =
          "The most tokens a step computes; longer prompts go in chunks (default:"
              + " ${DEFAULT-VALUE}).")
  private int maxNumBatchedTokens = 512;

  @Option(
      names = "--max-queued-requests",
      paramLabel = "N",
      description = "Requests that may wait; more are refused (default: ${DEFAULT-VALUE}).")
  private int maxQueuedRequests = 4096;

  @Option(
      names = "--block-size",
      paramLabel = "TOKENS",
      description = "Tokens a KV cache block (default: ${DEFAULT-VALUE}).")
  private int blockSize = 16;

  @Option(
      names = "--gpu-memory-utilization",
      paramLabel = "SHARE",
      description = "Share of the GPU's memory to use; needs a GPU (default: ${DEFAULT-VALUE}).")
  private double gpuMemoryUtilization = 0.9;

  @Option(
      names = "--kv-cache-memory",
      paramLabel = "BYTES",
      converter = ByteSize.class,
      description =
          "Memory of the KV cache, such as 512MiB or 2G (default: a share of the free memory).")
  private long kvCacheMemory;

  @Option(
      names = "--num-kv-blocks",
      paramLabel = "N",
      description = "Blocks of the KV cache (default: as many as its memory holds).")
  private int numKvBlocks;

  @Option(
      names = "--enable-prefix-caching",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Keep blocks for later requests that begin alike (default: on).")
  private boolean prefixCaching = true;

  @Option(
      names = "--scheduling-policy",
      paramLabel = "POLICY",
      description = "In which order requests run: fcfs, priority or shortest (default: fcfs).")
  private String policy = "fcfs";

  @Option(
      names = "--preemption",
      paramLabel = "HOW",
      description =
          "What happens to the blocks of requests that must make room: recompute, swap (to host"
              + " memory) or auto, whichever costs less (default: auto).")
  private String preemption = "auto";

  @Option(
      names = "--swap-space",
      paramLabel = "BYTES",
      converter = ByteSize.class,
      description =
          "Host memory that blocks are swapped to (default: as much as the KV cache with"
              + " --preemption swap, else what the device suggests).")
  private long swapSpace;

  @Option(
      names = "--watermark",
      paramLabel = "SHARE",
      description =
          "Share of the blocks that starting requests leave free for running ones to grow into"
              + " (default: ${DEFAULT-VALUE}).")
  private double watermark = 0.01;

  @Option(
      names = "--check-integrity",
      description = "Verify the block pool while serving, in less than 5 %% of the time.")
  private boolean checkIntegrity;

  /** Blocks asked for; 0 where the memory decides. */
  boolean saysContext() {
    return maxModelLen != 0;
  }

  EngineOptions.Builder toEngineOptions(ModelOptions model) {
    return toEngineOptions(model, USUAL_SEQUENCES);
  }

  /**
   * The options of an engine.
   *
   * @param sequences that run at once, unless the user says otherwise
   */
  EngineOptions.Builder toEngineOptions(ModelOptions model, int sequences) {
    if (maxModelLen < 0) {
      throw new UsageError("--max-model-len must be at least 1; it is " + maxModelLen);
    }
    if (!(gpuMemoryUtilization > 0 && gpuMemoryUtilization <= 1)) {
      throw new UsageError(
          "--gpu-memory-utilization must be in (0, 1]; it is " + gpuMemoryUtilization);
    }
    return EngineOptions.builder()
        .device(model.device().name().toLowerCase(Locale.ROOT))
        .gpuMemoryUtilization(gpuMemoryUtilization)
        .threads(model.threads())
        .exact(model.exact())
        .kvCacheType(model.kvCacheType())
        .weightCache(model.weightCache())
        .maxModelLen(maxModelLen)
        .maxNumSeqs(maxNumSeqs == null ? sequences : maxNumSeqs)
        .maxNumBatchedTokens(maxNumBatchedTokens)
        .maxQueuedRequests(maxQueuedRequests)
        .blockSize(blockSize)
        .kvCacheMemory(kvCacheMemory)
        .numKvBlocks(numKvBlocks)
        .prefixCaching(prefixCaching)
        .policy(policy())
        .preemption(preemption())
        .swapSpace(swapSpace)
        .watermark(watermark)
        .checkIntegrity(checkIntegrity);
  }

  private EngineOptions.Preemption preemption() {
    return switch (preemption) {
      case "recompute" -> EngineOptions.Preemption.RECOMPUTE;
      case "swap" -> EngineOptions.Preemption.SWAP;
      case "auto" -> EngineOptions.Preemption.AUTO;
      default ->
          throw new UsageError("--preemption must be recompute, swap or auto; it is " + preemption);
    };
  }

  private EngineOptions.Policy policy() {
    return switch (policy) {
      case "fcfs" -> EngineOptions.Policy.FIRST_COME_FIRST_SERVED;
      case "priority" -> EngineOptions.Policy.PRIORITY;
      case "shortest" -> EngineOptions.Policy.SHORTEST_REMAINING;
      default ->
          throw new UsageError(
              "--scheduling-policy must be fcfs, priority or shortest; it is " + policy);
    };
  }

  /** The options, checked; a value out of range is wrong usage. */
  static EngineOptions checked(EngineOptions.Builder builder) {
    try {
      return builder.build();
    } catch (QuireException e) {
      throw Flags.wrongUsage(e);
    }
  }

  /** Reads "1073741824", "512MiB", "2G": binary multiples, as memory is counted. */
  static final class ByteSize implements ITypeConverter<Long> {
    @Override
    public Long convert(@Nullable String value) {
      String text = value == null ? "" : value.strip().toUpperCase(Locale.ROOT);
      String number = text.replaceFirst("(I?B)$", "");
      int shift = 0;
      if (!number.isEmpty()) {
        shift = 10 * ("KMGT".indexOf(number.charAt(number.length() - 1)) + 1);
      }
      try {
        String digits = shift == 0 ? number : number.substring(0, number.length() - 1);
        double bytes = Double.parseDouble(digits) * (1L << shift);
        if (bytes >= 1 && bytes < Long.MAX_VALUE) {
          return (long) bytes;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw new TypeConversionException("'" + value + "' is no size such as 512MiB or 2G");
    }
  }
}
