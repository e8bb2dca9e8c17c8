package dev.quire.engine.model;

import java.util.Arrays;
import java.util.List;

/**
 * A rotary position embedding (Su et al., RoFormer, arXiv 2104.09864). Pair {@code i} of a query or
 * key at position {@code p} is rotated by the angle p · frequency(i), and scaled by the magnitude.
 * Elements of a head from {@code rotarySize} on stay as they are.
 *
 * @param rotarySize elements of a head that are rotated, even
 * @param base the base of the frequencies' geometric series ("theta")
 */
public record RopeSpec(RopeLayout layout, int rotarySize, double base, RopeScaling scaling) {

  /** Rotated pairs in a head. */
  public int pairs() {
    return rotarySize / 2;
  }

  /** What cosine and sine are multiplied with. */
  public float magnitude() {
    return switch (scaling) {
      case RopeScaling.Yarn yarn -> (float) yarn.magnitude();
      case RopeScaling.LongRope longRope -> (float) longRope.magnitude();
      case RopeScaling.None _, RopeScaling.Linear _, RopeScaling.Llama3 _, RopeScaling.Divisors _ ->
          1f;
    };
  }

  /**
   * The length of a sequence beyond which it is rotated by other frequencies, at all of its
   * positions; 0 for none.
   */
  public int stretchedBeyond() {
    return scaling instanceof RopeScaling.LongRope longRope ? longRope.originalContext() : 0;
  }

  /**
   * Radians a position, for each pair.
   *
   * @param length tokens of the sequence; only LongRoPE distinguishes
   */
  public float[] frequencies(int length) {
    float[] plain = new float[pairs()];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = 1f / (float) Math.pow(base, (float) (2 * i) / rotarySize);
    }
    return switch (scaling) {
      case RopeScaling.None _ -> plain;
      case RopeScaling.Linear linear -> {
        for (int i = 0; i < plain.length; i++) {
          plain[i] /= (float) linear.factor();
        }
        yield plain;
      }
      case RopeScaling.Llama3 llama3 -> llama3(plain, llama3);
      case RopeScaling.Yarn yarn -> yarn(plain, yarn);
      case RopeScaling.LongRope longRope ->
          divide(
              plain,
              length > longRope.originalContext()
                  ? longRope.longDivisors()
                  : longRope.shortDivisors());
      case RopeScaling.Divisors divisors -> divide(plain, divisors.divisors());
    };
  }

  private static float[] divide(float[] plain, List<Float> divisors) {
    for (int i = 0; i < plain.length; i++) {
      plain[i] /= divisors.get(i);
    }
    return plain;
  }

  private static float[] llama3(float[] plain, RopeScaling.Llama3 s) {
    double longest = s.originalContext() / s.lowFactor();
    double shortest = s.originalContext() / s.highFactor();
    for (int i = 0; i < plain.length; i++) {
      double wavelength = 2 * Math.PI / plain[i];
      if (wavelength > longest) {
        plain[i] /= (float) s.factor();
      } else if (wavelength >= shortest) {
        double kept =
            (s.originalContext() / wavelength - s.lowFactor()) / (s.highFactor() - s.lowFactor());
        plain[i] = (float) ((1 - kept) * plain[i] / s.factor() + kept * plain[i]);
      }
    }
    return plain;
  }

  private float[] yarn(float[] plain, RopeScaling.Yarn s) {
    double low = dimensionOfRotations(s.betaFast(), s.originalContext());
    double high = dimensionOfRotations(s.betaSlow(), s.originalContext());
    if (s.truncate()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, rotarySize - 1);
    double width = high == low ? 0.001 : high - low;
    for (int i = 0; i < plain.length; i++) {
      double interpolated = Math.clamp((i - low) / width, 0, 1);
      plain[i] = (float) (plain[i] / s.factor() * interpolated + plain[i] * (1 - interpolated));
    }
    return plain;
  }

  /** The pair that turns {@code rotations} times over a context. */
  private double dimensionOfRotations(double rotations, int context) {
    return rotarySize * Math.log(context / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
  }

  @Override
  public String toString() {
    return "rope %s of %d elements, base %s, %s, first frequencies %s"
        .formatted(
            layout, rotarySize, base, scaling, Arrays.toString(Arrays.copyOf(frequencies(0), 4)));
  }
}
