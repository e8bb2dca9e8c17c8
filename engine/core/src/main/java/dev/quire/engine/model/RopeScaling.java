package dev.quire.engine.model;

import java.util.List;

/** How rotary frequencies are changed so that a model reaches further than it was trained for. */
public sealed interface RopeScaling {

  /** As in the RoFormer paper: base<sup>−2i/r</sup>. */
  record None() implements RopeScaling {}

  /** Position interpolation: every frequency divided by {@code factor}. */
  record Linear(double factor) implements RopeScaling {}

  /**
   * Llama 3.1's: wavelengths longer than {@code originalContext / lowFactor} are stretched by
   * {@code factor}, those shorter than {@code originalContext / highFactor} are kept, those between
   * are blended.
   */
  record Llama3(double factor, double lowFactor, double highFactor, int originalContext)
      implements RopeScaling {}

  /**
   * YaRN (Peng et al., arXiv 2309.00071): a ramp over the dimensions between interpolated and
   * original frequencies.
   *
   * @param betaFast rotations over the original context above which a dimension is kept
   * @param betaSlow rotations below which it is interpolated
   * @param truncate whether the ramp's ends are rounded to whole dimensions
   * @param magnitude factor of cosine and sine
   */
  record Yarn(
      double factor,
      int originalContext,
      double betaFast,
      double betaSlow,
      boolean truncate,
      double magnitude)
      implements RopeScaling {

    /** The magnitude that the paper suggests for a factor. */
    public static double suggestedMagnitude(double factor) {
      return suggestedMagnitude(factor, 1);
    }

    static double suggestedMagnitude(double factor, double weight) {
      return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
    }
  }

  /**
   * LongRoPE (Ding et al., arXiv 2402.13753): a divisor for each frequency; one set for sequences
   * up to the original context, another for all positions of longer ones.
   *
   * @param magnitude factor of cosine and sine
   */
  record LongRope(
      List<Float> shortDivisors, List<Float> longDivisors, int originalContext, double magnitude)
      implements RopeScaling {

    /** The magnitude for a context stretched by {@code factor}. */
    public static double suggestedMagnitude(double factor, int originalContext) {
      return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContext));
    }
  }

  /** A divisor for each frequency, as GGUF's {@code rope_freqs.weight} gives them. */
  record Divisors(List<Float> divisors) implements RopeScaling {}
}
