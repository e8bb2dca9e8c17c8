package dev.quire.weights.tensor;

/**
 * Finds how to store runs of 32 values as s·q − m with q from 0 to a top level and s, m ≥ 0, at the
 * least squared error.
 *
 * <p>A run's fit tries several spacings of levels between its extremes; each assigns levels, and
 * given the levels s and m are a linear regression. A block's fit rounds every s and m to six bits
 * of shared half-precision units, then looks at the neighbouring roundings too, because the error
 * of s can be made up for by m.
 */
final class AffineFit {
  static final int RUN = 32;
  static final int RUNS = 8;
  private static final int TOP_SIX_BITS = 63;
  private static final int CANDIDATES = 10;
  private static final float CANDIDATE_STEP = 0.1f;

  private final int top;
  private final float[] scales = new float[RUNS];
  private final float[] minima = new float[RUNS];

  /** The result: values ≈ d·{@code scale6[run]}·{@code levels[i]} − dmin·{@code minimum6[run]}. */
  final int[] scale6 = new int[RUNS];

  final int[] minimum6 = new int[RUNS];
  final int[] levels = new int[RUN * RUNS];
  float d;
  float dmin;

  /**
   * @param top the largest level, 15 or 31
   */
  AffineFit(int top) {
    this.top = top;
  }

  /** Fits 256 values. */
  void fit(float[] source, int offset) {
    float largestScale = 0;
    float largestMinimum = 0;
    for (int run = 0; run < RUNS; run++) {
      fitRun(source, offset + run * RUN, run);
      largestScale = Math.max(largestScale, scales[run]);
      largestMinimum = Math.max(largestMinimum, minima[run]);
    }
    d = Block.roundToHalf(largestScale / TOP_SIX_BITS);
    dmin = Block.roundToHalf(largestMinimum / TOP_SIX_BITS);
    for (int run = 0; run < RUNS; run++) {
      roundRun(source, offset + run * RUN, run);
    }
  }

  private void fitRun(float[] source, int offset, int run) {
    float low = 0; // m can't be negative
    float high = Float.NEGATIVE_INFINITY;
    double sum = 0;
    for (int i = 0; i < RUN; i++) {
      float value = source[offset + i];
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
    }
    scales[run] = 0;
    minima[run] = -low;
    if (high <= low) {
      return;
    }
    double leastError = Double.POSITIVE_INFINITY;
    for (int candidate = -CANDIDATES; candidate <= CANDIDATES; candidate++) {
      float inverse = (top + candidate * CANDIDATE_STEP) / (high - low);
      int sumQ = 0;
      int sumQq = 0;
      float sumXq = 0;
      for (int i = 0; i < RUN; i++) {
        float value = source[offset + i];
        int q = Math.min(top, (int) ((value - low) * inverse + 0.5f));
        sumQ += q;
        sumQq += q * q;
        sumXq += value * q;
      }
      double determinant = (double) RUN * sumQq - (double) sumQ * sumQ;
      // Where all levels are equal there is no line through them but the one through the origin.
      double shift = determinant > 0 ? (sumQq * sum - sumQ * (double) sumXq) / determinant : 0;
      double scale = (RUN * (double) sumXq - sum * sumQ) / determinant;
      if (shift >= 0) {
        shift = 0;
        scale = (double) sumXq / Math.max(1, sumQq);
      }
      // The squared error, less the sum of squared values, which all candidates share.
      double error =
          scale * scale * sumQq
              + 2 * scale * shift * sumQ
              + RUN * shift * shift
              - 2 * (scale * sumXq + shift * sum);
      if (scale > 0 && error < leastError) {
        leastError = error;
        scales[run] = (float) scale;
        minima[run] = (float) -shift;
      }
    }
  }

  private void roundRun(float[] source, int offset, int run) {
    int nearestScale = sixBits(scales[run], d);
    int nearestMinimum = sixBits(minima[run], dmin);
    float leastError = Float.POSITIVE_INFINITY;
    for (int s = Math.max(0, nearestScale - 1); s <= Math.min(63, nearestScale + 1); s++) {
      for (int m = Math.max(0, nearestMinimum - 1); m <= Math.min(63, nearestMinimum + 1); m++) {
        float error = error(source, offset, d * s, dmin * m);
        if (error < leastError) {
          leastError = error;
          scale6[run] = s;
          minimum6[run] = m;
        }
      }
    }
    float scale = d * scale6[run];
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = 0; i < RUN; i++) {
      levels[run * RUN + i] = level(source[offset + i] + dmin * minimum6[run], inverse);
    }
  }

  private static int sixBits(float value, float unit) {
    return unit == 0 ? 0 : Math.clamp(Math.round(value / unit), 0, TOP_SIX_BITS);
  }

  private float error(float[] source, int offset, float scale, float minimum) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    float error = 0;
    for (int i = 0; i < RUN; i++) {
      float value = source[offset + i] + minimum;
      float difference = scale * level(value, inverse) - value;
      error += difference * difference;
    }
    return error;
  }

  private int level(float value, float inverse) {
    return Math.clamp((int) (value * inverse + 0.5f), 0, top);
  }
}
