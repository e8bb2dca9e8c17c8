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
  private static final int CANDIDATES = 5;
  private static final float CANDIDATE_STEP = 0.2f;
  private static final int SHIFTS = 4;
  private static final int ROUNDS = 4;

  /** Below this many units a rounding is coarse, and more neighbours are worth a look. */
  private static final int COARSE = 16;

  private final int top;
  private final float[] scales = new float[RUNS];
  private final float[] minima = new float[RUNS];
  private final int[] triedScale6 = new int[RUNS];
  private final int[] triedMinimum6 = new int[RUNS];
  private float leastError;

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
    float unit = Block.roundToHalf(largestScale / TOP_SIX_BITS);
    float minimumUnit = Block.roundToHalf(largestMinimum / TOP_SIX_BITS);
    leastError = Float.POSITIVE_INFINITY;
    for (int round = 0; round < ROUNDS && take(source, offset, unit, minimumUnit); round++) {
      double ss = 0;
      double sm = 0;
      double mm = 0;
      double xs = 0;
      double xm = 0;
      for (int i = 0; i < RUN * RUNS; i++) {
        double x = source[offset + i];
        double a = (double) scale6[i / RUN] * levels[i];
        double b = minimum6[i / RUN];
        ss += a * a;
        sm += a * b;
        mm += b * b;
        xs += x * a;
        xm += x * b;
      }
      double determinant = ss * mm - sm * sm;
      if (determinant > 0) {
        unit = Block.roundToHalf((float) ((xs * mm - xm * sm) / determinant));
        minimumUnit = Block.roundToHalf((float) ((xs * sm - xm * ss) / determinant));
      } else if (ss > 0) {
        unit = Block.roundToHalf((float) (xs / ss));
      }
    }
  }

  /** Rounds all runs to these units, and keeps that if it is better than what is kept. */
  private boolean take(float[] source, int offset, float unit, float minimumUnit) {
    if (!(unit >= 0) || !(minimumUnit >= 0)) {
      return false;
    }
    float error = 0;
    for (int run = 0; run < RUNS; run++) {
      error += roundRun(source, offset + run * RUN, run, unit, minimumUnit);
    }
    if (error >= leastError) {
      return false;
    }
    leastError = error;
    d = unit;
    dmin = minimumUnit;
    System.arraycopy(triedScale6, 0, scale6, 0, RUNS);
    System.arraycopy(triedMinimum6, 0, minimum6, 0, RUNS);
    for (int run = 0; run < RUNS; run++) {
      float scale = d * scale6[run];
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = 0; i < RUN; i++) {
        levels[run * RUN + i] =
            level(source[offset + run * RUN + i] + dmin * minimum6[run], inverse);
      }
    }
    return true;
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
    double least = Double.POSITIVE_INFINITY;
    float step = (high - low) / top;
    for (int shift = 0; shift < SHIFTS; shift++) {
      float start = Math.min(0, low + shift * step / SHIFTS);
      for (int candidate = -CANDIDATES; candidate <= CANDIDATES; candidate++) {
        float inverse = (top + candidate * CANDIDATE_STEP) / (high - start);
        least = regress(source, offset, run, start, inverse, sum, least);
      }
    }
    for (int round = 0; round < ROUNDS && scales[run] > 0; round++) {
      double better = regress(source, offset, run, -minima[run], 1 / scales[run], sum, least);
      if (better >= least) {
        break;
      }
      least = better;
    }
  }

  /**
   * Gives the values levels, from {@code start} up at a spacing of 1 / {@code inverse}, and fits s
   * and m to them. Keeps those if their error is below {@code least}.
   *
   * @return the least squared error so far, less the sum of squared values
   */
  private double regress(
      float[] source, int offset, int run, float start, float inverse, double sum, double least) {
    int sumQ = 0;
    int sumQq = 0;
    float sumXq = 0;
    for (int i = 0; i < RUN; i++) {
      float value = source[offset + i];
      int q = level(value - start, inverse);
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
    double error =
        scale * scale * sumQq
            + 2 * scale * shift * sumQ
            + RUN * shift * shift
            - 2 * (scale * sumXq + shift * sum);
    if (!(scale > 0) || error >= least) {
      return least;
    }
    scales[run] = (float) scale;
    minima[run] = (float) -shift;
    return error;
  }

  /** Rounds one run's s and m to the units; the squared error. */
  private float roundRun(float[] source, int offset, int run, float unit, float minimumUnit) {
    int nearestScale = sixBits(scales[run], unit);
    int nearestMinimum = sixBits(minima[run], minimumUnit);
    float least = Float.POSITIVE_INFINITY;
    int reachScale = nearestScale < COARSE ? 2 : 1;
    int reachMinimum = nearestMinimum < COARSE ? 2 : 1;
    for (int s = Math.max(0, nearestScale - reachScale);
        s <= Math.min(TOP_SIX_BITS, nearestScale + reachScale);
        s++) {
      for (int m = Math.max(0, nearestMinimum - reachMinimum);
          m <= Math.min(TOP_SIX_BITS, nearestMinimum + reachMinimum);
          m++) {
        float error = error(source, offset, unit * s, minimumUnit * m);
        if (error < least) {
          least = error;
          triedScale6[run] = s;
          triedMinimum6[run] = m;
        }
      }
    }
    return least;
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
