package dev.quire.engine;

import org.jspecify.annotations.Nullable;

/**
 * How a model's makers would have its tokens chosen: what a request leaves open. Null where they
 * say nothing.
 *
 * @param temperature as {@link SamplingParams} has it, like all others
 */
public record SamplingDefaults(
    @Nullable Double temperature,
    @Nullable Integer topK,
    @Nullable Double topP,
    @Nullable Double minP,
    @Nullable Double typicalP,
    @Nullable Double repetitionPenalty) {

  /** Nothing is said. */
  public static final SamplingDefaults NONE =
      new SamplingDefaults(null, null, null, null, null, null);

  /**
   * @throws QuireException for a value that {@link SamplingParams} refuses
   */
  public SamplingDefaults {
    SamplingParams.Builder check = SamplingParams.builder();
    if (temperature != null) {
      check.temperature(temperature);
    }
    if (topK != null) {
      check.topK(topK);
    }
    if (topP != null) {
      check.topP(topP);
    }
    if (minP != null) {
      check.minP(minP);
    }
    if (typicalP != null) {
      check.typicalP(typicalP);
    }
    if (repetitionPenalty != null) {
      check.repetitionPenalty(repetitionPenalty);
    }
    check.build();
  }

  /** The model's temperature, or {@code fallback}. */
  public double temperature(double fallback) {
    return temperature == null ? fallback : temperature;
  }

  /** The model's k, or {@code fallback}. */
  public int topK(int fallback) {
    return topK == null ? fallback : topK;
  }

  /** The model's p, or {@code fallback}. */
  public double topP(double fallback) {
    return topP == null ? fallback : topP;
  }

  /** The model's least share, or {@code fallback}. */
  public double minP(double fallback) {
    return minP == null ? fallback : minP;
  }

  /** The model's typical p, or {@code fallback}. */
  public double typicalP(double fallback) {
    return typicalP == null ? fallback : typicalP;
  }

  /** The model's penalty, or {@code fallback}. */
  public double repetitionPenalty(double fallback) {
    return repetitionPenalty == null ? fallback : repetitionPenalty;
  }
}
