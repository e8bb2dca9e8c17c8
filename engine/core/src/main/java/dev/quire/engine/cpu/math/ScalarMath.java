package dev.quire.engine.cpu.math;

/**
 * Functions of one float, written with the operations that vectors have too, so that both give the
 * same bits.
 */
final class ScalarMath {
  // exp(x) = 2^n · exp(r) with n = round(x / ln 2), r = x − n · ln 2 in [−0.35, 0.35], ln 2 in two
  // parts of which the first times n is exact, and exp(r) by its Taylor series (error under 1 ulp).
  static final float LOG2_E = 1.442695f;
  static final float LN2_HIGH = 0x1.63p-1f;
  static final float LN2_LOW = -2.12194440e-4f;
  static final float EXP_MIN = -87.33654f;
  static final float EXP_MAX = 88.37626f;

  /** Adding and subtracting it rounds a float of magnitude under 2^22 to the nearest integer. */
  static final float ROUNDER = 0x1.8p23f;

  static final float C2 = 1f / 2;
  static final float C3 = 1f / 6;
  static final float C4 = 1f / 24;
  static final float C5 = 1f / 120;
  static final float C6 = 1f / 720;
  static final float C7 = 1f / 5040;

  /** {@code 2 · √(2 / π)}, of GELU's approximation by tanh. */
  static final float GELU_SCALE = 1.5957692f;

  static final float GELU_CUBE = 0.044715f;

  private ScalarMath() {}

  /** {@code e^x}, within 2 units in the last place; 0 below −87.3, and never infinite. */
  static float exp(float x) {
    float clamped = Math.max(Math.min(x, EXP_MAX), EXP_MIN);
    float n = Math.fma(clamped, LOG2_E, ROUNDER) - ROUNDER;
    float r = Math.fma(n, -LN2_HIGH, clamped);
    r = Math.fma(n, -LN2_LOW, r);
    float p = Math.fma(C7, r, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1f);
    p = Math.fma(p, r, 1f);
    float power = Float.intBitsToFloat(((int) n + 127) << 23);
    return x < EXP_MIN ? 0 : p * power;
  }

  static float sigmoid(float x) {
    return 1 / (1 + exp(-x));
  }

  static float tanh(float x) {
    float e = exp(-2 * Math.abs(x));
    return Math.copySign((1 - e) / (1 + e), x);
  }

  static float activate(Activation f, float x) {
    return switch (f) {
      case SILU -> x * sigmoid(x);
      case GELU_TANH -> x * sigmoid(GELU_SCALE * Math.fma(GELU_CUBE * x * x, x, x));
      case GELU -> (float) (0.5 * x * (1 + erf(x * Math.sqrt(0.5))));
      case RELU -> Math.max(x, 0);
    };
  }

  /**
   * The error function to 1.2e-7: {@code erfc}'s Chebyshev fit of Press et al., Numerical Recipes
   * (second edition), section 6.2.
   */
  static double erf(double x) {
    double t = 1 / (1 + 0.5 * Math.abs(x));
    double p = 0.17087277;
    p = p * t - 0.82215223;
    p = p * t + 1.48851587;
    p = p * t - 1.13520398;
    p = p * t + 0.27886807;
    p = p * t - 0.18628806;
    p = p * t + 0.09678418;
    p = p * t + 0.37409196;
    p = p * t + 1.00002368;
    double complement = t * Math.exp(-x * x - 1.26551223 + t * p);
    return x >= 0 ? 1 - complement : complement - 1;
  }

  /** The partial sums of a sum, put together: eights, fours, twos. Overwrites them. */
  static float total(float[] lanes, int offset) {
    for (int half = Arithmetic.LANES / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) {
        lanes[offset + l] += lanes[offset + l + half];
      }
    }
    return lanes[offset];
  }
}
