package dev.quire.weights.tensor;

/**
 * Finds how to store runs of 16 values as s·q with q from −32 to 31, at the least squared error.
 *
 * <p>A run's fit tries several levels for its value of largest magnitude; given the levels of all
 * values, s is a regression through the origin. A block's fit rounds every s to a signed byte of a
 * shared half-precision unit and looks at the neighbouring roundings too.
 */
final class SymmetricFit {
  static final int RUN = 16;
  static final int RUNS = 16;
  private static final int CANDIDATES = 9;
  private static final float CANDIDATE_STEP = 0.15f;

  private final float[] scales = new float[RUNS];

  /** The result: values ≈ d·{@code scale8[run]}·({@code levels[i]} − 32). */
  final int[] scale8 = new int[RUNS];

  final int[] levels = new int[RUN * RUNS];
  float d;

  /** Fits 256 values. */
  void fit(float[] source, int offset) {
    float extreme = 0;
    for (int run = 0; run < RUNS; run++) {
      scales[run] = fitRun(source, offset + run * RUN);
      if (Math.abs(scales[run]) > Math.abs(extreme)) {
        extreme = scales[run];
      }
    }
    // A byte reaches one further below zero than above.
    d = Block.roundToHalf(extreme / -128);
    for (int run = 0; run < RUNS; run++) {
      roundRun(source, offset + run * RUN, run);
    }
  }

  private static float fitRun(float[] source, int offset) {
    float extreme = 0;
    for (int i = 0; i < RUN; i++) {
      if (Math.abs(source[offset + i]) > Math.abs(extreme)) {
        extreme = source[offset + i];
      }
    }
    if (extreme == 0) {
      return 0;
    }
    double mostExplained = -1;
    float best = 0;
    for (int candidate = -CANDIDATES; candidate <= CANDIDATES; candidate++) {
      float inverse = -(32 + candidate * CANDIDATE_STEP) / extreme;
      float sumXq = 0;
      int sumQq = 0;
      for (int i = 0; i < RUN; i++) {
        int q = level(source[offset + i], inverse) - 32;
        sumXq += source[offset + i] * q;
        sumQq += q * q;
      }
      double explained = sumQq == 0 ? 0 : (double) sumXq * sumXq / sumQq;
      if (explained > mostExplained) {
        mostExplained = explained;
        best = sumQq == 0 ? 0 : sumXq / sumQq;
      }
    }
    return best;
  }

  private void roundRun(float[] source, int offset, int run) {
    int nearest = d == 0 ? 0 : Math.clamp(Math.round(scales[run] / d), -128, 127);
    float leastError = Float.POSITIVE_INFINITY;
    for (int s = Math.max(-128, nearest - 1); s <= Math.min(127, nearest + 1); s++) {
      float error = error(source, offset, d * s);
      if (error < leastError) {
        leastError = error;
        scale8[run] = s;
      }
    }
    float scale = d * scale8[run];
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = 0; i < RUN; i++) {
      levels[run * RUN + i] = level(source[offset + i], inverse);
    }
  }

  private static float error(float[] source, int offset, float scale) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    float error = 0;
    for (int i = 0; i < RUN; i++) {
      float value = source[offset + i];
      float difference = scale * (level(value, inverse) - 32) - value;
      error += difference * difference;
    }
    return error;
  }

  /** The level of a value, 0 to 63. */
  private static int level(float value, float inverse) {
    return Math.clamp((int) (value * inverse + 32.5f), 0, 63);
  }
}
