package dev.quire.kernels;

/** What the attention kernels compute, in plain Java. */
public final class AttentionReference {
  private AttentionReference() {}

  /**
   * One query of one head over contiguous keys and values.
   *
   * @param query [headSize]
   * @param keys [length, headSize]
   * @param values [length, headSize]
   * @param first the first visible position
   */
  public static float[] attend(
      float[] query, float[][] keys, float[][] values, int first, float scale, float softCap) {
    double[] weights = new double[keys.length];
    double maximum = Double.NEGATIVE_INFINITY;
    for (int p = first; p < keys.length; p++) {
      double score = 0;
      for (int i = 0; i < query.length; i++) {
        score += (double) query[i] * keys[p][i];
      }
      score *= scale;
      weights[p] = softCap > 0 ? softCap * Math.tanh(score / softCap) : score;
      maximum = Math.max(maximum, weights[p]);
    }
    double sum = 0;
    double[] out = new double[query.length];
    for (int p = first; p < keys.length; p++) {
      double weight = Math.exp(weights[p] - maximum);
      sum += weight;
      for (int i = 0; i < query.length; i++) {
        out[i] += weight * values[p][i];
      }
    }
    float[] result = new float[query.length];
    for (int i = 0; i < query.length; i++) {
      result[i] = (float) (out[i] / sum);
    }
    return result;
  }
}
