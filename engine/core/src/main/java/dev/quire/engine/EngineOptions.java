package dev.quire.engine;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How an engine is set up. Made by {@link #builder()}; zero means that the engine chooses.
 *
 * @param device {@code auto}, {@code cpu}, {@code gpu} or {@code jvm} (the GPU's kernels on the
 *     JVM)
 * @param threads worker threads of the CPU executor; 0 takes every core
 * @param maxModelLen the longest sequence taken, in tokens; 0: the model's context or what the KV
 *     cache holds, whichever is less
 * @param maxNumSeqs the most sequences that run at once
 * @param maxNumBatchedTokens the most tokens a step computes; longer prompts go in chunks
 * @param maxQueuedRequests requests that may wait; more are refused
 * @param blockSize tokens a KV cache block
 * @param kvCacheMemory bytes for the KV cache; 0 takes a share of the free memory
 * @param numKvBlocks blocks of the KV cache, a cache group; 0 follows from the memory
 * @param prefixCaching whether blocks are kept for later requests with the same beginning
 * @param watermark share of the blocks that admission leaves free for running sequences to grow
 * @param exact whether activations keep full precision in products with quantised weights
 * @param policy in which order requests run
 * @param preemption what happens to the blocks of requests that must make room
 * @param swapSpace bytes of the host pool that blocks are swapped to; 0: as much as the KV cache
 *     takes if {@code preemption} is swap, else what the device suggests, on the CPU nothing
 * @param integrityShare share of the time that is spent on verifying the block pool between steps:
 *     0 for never, 1 for after every step
 * @param gpuMemoryUtilization share of a GPU's memory to use, weights and KV cache together
 * @param kvCacheType how keys and values are held: {@code auto}, {@code f32}, {@code f16}, {@code
 *     bf16} or {@code q8_0}; auto is exact, f32, on the CPU, and f16 on a device, which has no
 *     other
 * @param weightCache folder in which the CPU executor keeps laid-out weights, so that the next
 *     start of the same model is fast; null: nowhere
 * @param say takes lines on what a device is and what it is prepared with, for people
 */
public record EngineOptions(
    String device,
    int threads,
    int maxModelLen,
    int maxNumSeqs,
    int maxNumBatchedTokens,
    int maxQueuedRequests,
    int blockSize,
    long kvCacheMemory,
    int numKvBlocks,
    boolean prefixCaching,
    double watermark,
    boolean exact,
    Policy policy,
    Preemption preemption,
    long swapSpace,
    double integrityShare,
    double gpuMemoryUtilization,
    String kvCacheType,
    @Nullable Path weightCache,
    Consumer<String> say) {

  private static final List<String> KV_CACHE_TYPES = List.of("auto", "f32", "f16", "bf16", "q8_0");

  private static final List<String> DEVICES = List.of("auto", "cpu", "gpu", "jvm");

  // Of the time; with a check's own length it stays below a twentieth.
  private static final double USUAL_INTEGRITY_SHARE = 0.03;

  /** In which order requests run; ties go to the earlier arrival. */
  public enum Policy {
    FIRST_COME_FIRST_SERVED,
    PRIORITY,
    SHORTEST_REMAINING
  }

  /** How preempted requests come back. */
  public enum Preemption {
    /** Their blocks are dropped, and their tokens computed again. */
    RECOMPUTE,
    /** Their blocks go to a host pool, while it has room, and come back. */
    SWAP,
    /** Whichever costs less, by what a token has taken to compute and the bytes to move. */
    AUTO
  }

  public EngineOptions {
    require(DEVICES.contains(device), "device", "auto, cpu, gpu or jvm", device);
    require(
        KV_CACHE_TYPES.contains(kvCacheType),
        "kvCacheType",
        "auto, f32, f16, bf16 or q8_0",
        kvCacheType);
    require(
        gpuMemoryUtilization > 0 && gpuMemoryUtilization <= 1,
        "gpuMemoryUtilization",
        "in (0, 1]",
        gpuMemoryUtilization);
    require(threads >= 0 && threads <= 4096, "threads", "in [0, 4096] (0: every core)", threads);
    require(maxModelLen >= 0, "maxModelLen", "at least 0 (0: as fits)", maxModelLen);
    require(maxNumSeqs >= 1 && maxNumSeqs <= 65536, "maxNumSeqs", "in [1, 65536]", maxNumSeqs);
    require(
        maxNumBatchedTokens >= 1 && maxNumBatchedTokens <= 1 << 20,
        "maxNumBatchedTokens",
        "in [1, 1048576]",
        maxNumBatchedTokens);
    require(maxQueuedRequests >= 1, "maxQueuedRequests", "at least 1", maxQueuedRequests);
    require(blockSize >= 1 && blockSize <= 1024, "blockSize", "in [1, 1024]", blockSize);
    require(kvCacheMemory >= 0, "kvCacheMemory", "at least 0 bytes (0: as fits)", kvCacheMemory);
    require(numKvBlocks >= 0, "numKvBlocks", "at least 0 (0: as fits)", numKvBlocks);
    require(watermark >= 0 && watermark < 1, "watermark", "in [0, 1)", watermark);
    require(swapSpace >= 0, "swapSpace", "at least 0 bytes (0: as fits)", swapSpace);
    require(
        integrityShare >= 0 && integrityShare <= 1, "integrityShare", "in [0, 1]", integrityShare);
    require(
        kvCacheMemory == 0 || numKvBlocks == 0,
        "kvCacheMemory and numKvBlocks",
        "given one without the other",
        kvCacheMemory + " and " + numKvBlocks);
  }

  private static void require(boolean holds, String field, String range, Object value) {
    if (!holds) {
      throw QuireException.outOfRange(field, range, value);
    }
  }

  /** The same, with another taker of lines for people. */
  public EngineOptions withSay(Consumer<String> newSay) {
    return new EngineOptions(
        device,
        threads,
        maxModelLen,
        maxNumSeqs,
        maxNumBatchedTokens,
        maxQueuedRequests,
        blockSize,
        kvCacheMemory,
        numKvBlocks,
        prefixCaching,
        watermark,
        exact,
        policy,
        preemption,
        swapSpace,
        integrityShare,
        gpuMemoryUtilization,
        kvCacheType,
        weightCache,
        newSay);
  }

  /** What suits most uses. */
  public static EngineOptions defaults() {
    return builder().build();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Collects the values; {@link #build()} checks them. */
  public static final class Builder {
    private String device = "auto";
    private int threads;
    private int maxModelLen;
    private int maxNumSeqs = 256;
    private int maxNumBatchedTokens = 512;
    private int maxQueuedRequests = 4096;
    private int blockSize = 16;
    private long kvCacheMemory;
    private int numKvBlocks;
    private boolean prefixCaching = true;
    private double watermark = 0.01;
    private boolean exact;
    private Policy policy = Policy.FIRST_COME_FIRST_SERVED;
    private Preemption preemption = Preemption.AUTO;
    private long swapSpace;
    private double integrityShare;
    private double gpuMemoryUtilization = 0.9;
    private String kvCacheType = "auto";
    private @Nullable Path weightCache;
    private Consumer<String> say = _ -> {};

    private Builder() {}

    public Builder device(String value) {
      this.device = value;
      return this;
    }

    public Builder threads(int value) {
      this.threads = value;
      return this;
    }

    public Builder maxModelLen(int value) {
      this.maxModelLen = value;
      return this;
    }

    public Builder maxNumSeqs(int value) {
      this.maxNumSeqs = value;
      return this;
    }

    public Builder maxNumBatchedTokens(int value) {
      this.maxNumBatchedTokens = value;
      return this;
    }

    public Builder maxQueuedRequests(int value) {
      this.maxQueuedRequests = value;
      return this;
    }

    public Builder blockSize(int value) {
      this.blockSize = value;
      return this;
    }

    public Builder kvCacheMemory(long value) {
      this.kvCacheMemory = value;
      return this;
    }

    public Builder numKvBlocks(int value) {
      this.numKvBlocks = value;
      return this;
    }

    public Builder prefixCaching(boolean value) {
      this.prefixCaching = value;
      return this;
    }

    public Builder watermark(double value) {
      this.watermark = value;
      return this;
    }

    public Builder exact(boolean value) {
      this.exact = value;
      return this;
    }

    public Builder policy(Policy value) {
      this.policy = value;
      return this;
    }

    public Builder preemption(Preemption value) {
      this.preemption = value;
      return this;
    }

    public Builder swapSpace(long value) {
      this.swapSpace = value;
      return this;
    }

    /** Verifies the block pool now and then, in less than a twentieth of the time. */
    public Builder checkIntegrity(boolean value) {
      return integrityShare(value ? USUAL_INTEGRITY_SHARE : 0);
    }

    public Builder integrityShare(double value) {
      this.integrityShare = value;
      return this;
    }

    public Builder gpuMemoryUtilization(double value) {
      this.gpuMemoryUtilization = value;
      return this;
    }

    public Builder kvCacheType(String value) {
      this.kvCacheType = value;
      return this;
    }

    public Builder weightCache(@Nullable Path value) {
      this.weightCache = value;
      return this;
    }

    public Builder say(Consumer<String> value) {
      this.say = value;
      return this;
    }

    /** The values, checked: an invalid one gives a {@link QuireException} with field and range. */
    public EngineOptions build() {
      return new EngineOptions(
          device,
          threads,
          maxModelLen,
          maxNumSeqs,
          maxNumBatchedTokens,
          maxQueuedRequests,
          blockSize,
          kvCacheMemory,
          numKvBlocks,
          prefixCaching,
          watermark,
          exact,
          policy,
          preemption,
          swapSpace,
          integrityShare,
          gpuMemoryUtilization,
          kvCacheType,
          weightCache,
          say);
    }
  }
}
