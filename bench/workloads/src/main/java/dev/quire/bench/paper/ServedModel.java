package dev.quire.bench.paper;

import dev.quire.paging.KvAllocator;

/**
 * A model of the paper on the GPUs it was served with (Table 1).
 *
 * @param parameters of the model
 * @param layers decoder layers
 * @param hidden size of the hidden state; keys and values have as much, there is no GQA
 * @param maxTokens the longest sequence
 * @param gpus GPUs that share each layer
 * @param gpuMemory bytes of one GPU
 * @param gpuFlops its peak in half precision, a second
 * @param gpuBandwidth bytes a second of its memory
 * @param kvMemory bytes left for keys and values on all of them, as the paper says
 */
public record ServedModel(
    String name,
    double parameters,
    int layers,
    int hidden,
    int maxTokens,
    int gpus,
    double gpuMemory,
    double gpuFlops,
    double gpuBandwidth,
    double kvMemory)
    implements Platform {
  private static final int MAX_SEQUENCES = 256;
  private static final int STEP_TOKENS = 2048;
  private static final int VOCABULARY = 50_000;
  private static final double GIB = 1L << 30;
  private static final double A100_FLOPS = 312e12;
  private static final double A100_40_BANDWIDTH = 1555e9;
  private static final double A100_80_BANDWIDTH = 2039e9;

  public static final ServedModel OPT_13B =
      new ServedModel(
          "OPT-13B", 13e9, 40, 5120, 2048, 1, 40e9, A100_FLOPS, A100_40_BANDWIDTH, 12 * GIB);
  public static final ServedModel OPT_66B =
      new ServedModel(
          "OPT-66B", 66e9, 64, 9216, 2048, 4, 40e9, A100_FLOPS, A100_40_BANDWIDTH, 21 * GIB);
  public static final ServedModel OPT_175B =
      new ServedModel(
          "OPT-175B", 175e9, 96, 12288, 2048, 8, 80e9, A100_FLOPS, A100_80_BANDWIDTH, 264 * GIB);

  /** Its keys and values are as large as OPT-13B's. */
  public static final ServedModel LLAMA_13B =
      new ServedModel(
          "LLaMA-13B", 13e9, 40, 5120, 2048, 1, 40e9, A100_FLOPS, A100_40_BANDWIDTH, 12 * GIB);

  /** Bytes of the weights in half precision. */
  public double weightBytes() {
    return 2 * parameters;
  }

  /** Bytes of one token's keys and values over all layers, in half precision. */
  public double kvBytesPerToken() {
    return 2.0 * 2 * layers * hidden;
  }

  @Override
  public int maxSequences() {
    return MAX_SEQUENCES;
  }

  @Override
  public int stepTokens() {
    return STEP_TOKENS;
  }

  @Override
  public int vocabulary() {
    return VOCABULARY;
  }

  @Override
  public Steps steps(KvAllocator allocator, boolean paged) {
    StepTime time = new StepTime(this, paged);
    return plan -> {
      allocator.copies().clear();
      return time.seconds(plan);
    };
  }

  @Override
  public int slots() {
    return (int) (kvMemory / kvBytesPerToken());
  }
}
