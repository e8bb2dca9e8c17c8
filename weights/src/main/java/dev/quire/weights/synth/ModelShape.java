package dev.quire.weights.synth;

import dev.quire.weights.WeightsException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The sizes of a model to be made up.
 *
 * @param name what users call it
 * @param architecture GGUF's name of the architecture, {@code llama} or {@code qwen3}
 * @param headSize elements of one attention head
 * @param tied whether the output matrix is the embedding
 * @param ropeScaling how far the lowest rotary frequencies are stretched in Llama 3's way; 1: not
 */
public record ModelShape(
    String name,
    String architecture,
    int layers,
    int hidden,
    int feedForward,
    int heads,
    int keyValueHeads,
    int headSize,
    int vocabulary,
    int contextLength,
    boolean tied,
    float ropeBase,
    float ropeScaling,
    float normEpsilon) {

  private static final List<ModelShape> NAMED =
      List.of(
          new ModelShape(
              "llama-3.2-1b",
              "llama",
              16,
              2048,
              8192,
              32,
              8,
              64,
              128256,
              131072,
              true,
              5e5f,
              32,
              1e-5f),
          new ModelShape(
              "llama-3.1-8b",
              "llama",
              32,
              4096,
              14336,
              32,
              8,
              128,
              128256,
              131072,
              false,
              5e5f,
              8,
              1e-5f),
          new ModelShape(
              "qwen3-0.6b",
              "qwen3",
              28,
              1024,
              3072,
              16,
              8,
              128,
              151936,
              40960,
              true,
              1e6f,
              1,
              1e-6f),
          new ModelShape(
              "tiny-llama", "llama", 2, 256, 512, 4, 2, 64, 512, 2048, true, 1e4f, 1, 1e-5f),
          new ModelShape(
              "tiny-llama-untied",
              "llama",
              3,
              128,
              384,
              4,
              1,
              32,
              384,
              1024,
              false,
              5e5f,
              8,
              1e-5f),
          new ModelShape(
              "tiny-qwen3", "qwen3", 2, 256, 512, 4, 2, 64, 512, 2048, true, 1e6f, 1, 1e-6f));

  /** Every shape that has a name. */
  public static List<ModelShape> named() {
    return NAMED;
  }

  /**
   * The shape of a name.
   *
   * @throws WeightsException if there is none; it lists those there are
   */
  public static ModelShape named(String name) {
    for (ModelShape shape : NAMED) {
      if (shape.name.equals(name)) {
        return shape;
      }
    }
    throw new WeightsException(
        "no shape is named '%s'; there are %s"
            .formatted(
                name, NAMED.stream().map(ModelShape::name).collect(Collectors.joining(", "))));
  }

  /** Whether queries and keys are normalised per head. */
  boolean normalizesHeads() {
    return architecture.equals("qwen3");
  }
}
