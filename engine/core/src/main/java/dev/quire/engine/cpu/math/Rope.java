package dev.quire.engine.cpu.math;

/**
 * Rotary position embedding (Su et al., RoFormer, arXiv 2104.09864, section 3.2.2): turns pairs of
 * a head's coordinates by angles that grow with the position.
 *
 * <p>The sines and cosines of a position are the same for every layer and head, so callers fill a
 * table once per token and step and turn with it.
 */
public final class Rope {
  /** Which coordinates of a head form the pairs. */
  public enum Pairing {
    /** Coordinates {@code 2i} and {@code 2i + 1}: GGUF files of the Llama architecture. */
    NEIGHBOURS,
    /**
     * Coordinates {@code i} and {@code i + rotated / 2}: GPT-NeoX, all Hugging Face checkpoints.
     */
    HALVES
  }

  private final float[] frequencies;
  private final float magnitude;
  private final Pairing pairing;

  /**
   * @param frequencies radians per position of each pair; twice as many coordinates are turned, the
   *     rest of a head stays as it is
   * @param magnitude factor on sine and cosine (YaRN's attention factor); 1 for plain RoPE
   */
  public Rope(float[] frequencies, float magnitude, Pairing pairing) {
    this.frequencies = frequencies.clone();
    this.magnitude = magnitude;
    this.pairing = pairing;
  }

  /** Frequencies {@code base^(−2i / rotated)} for {@code i < rotated / 2}. */
  public static float[] frequencies(double base, int rotated) {
    float[] frequencies = new float[rotated / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) Math.pow(base, -2.0 * i / rotated);
    }
    return frequencies;
  }

  /** Floats that a table takes per position. */
  public int tableSize() {
    return 2 * frequencies.length;
  }

  /**
   * Fills the table of one position: cosines, then sines.
   *
   * @param table gets {@link #tableSize} floats from {@code offset} on
   */
  public void fillTable(int position, float[] table, int offset) {
    int pairs = frequencies.length;
    for (int i = 0; i < pairs; i++) {
      double angle = (float) position * frequencies[i]; // rounded to single, as PyTorch does
      table[offset + i] = (float) Math.cos(angle) * magnitude;
      table[offset + pairs + i] = (float) Math.sin(angle) * magnitude;
    }
  }

  /**
   * Turns the heads of one token in place.
   *
   * @param x {@code [heads × headSize]} from {@code xOffset} on
   * @param table as filled for the token's position, from {@code tableOffset} on
   */
  public void rotate(
      float[] x, int xOffset, int heads, int headSize, float[] table, int tableOffset) {
    int pairs = frequencies.length;
    int step = pairing == Pairing.NEIGHBOURS ? 2 : 1;
    int distance = pairing == Pairing.NEIGHBOURS ? 1 : pairs;
    for (int head = 0; head < heads; head++) {
      int start = xOffset + head * headSize;
      for (int i = 0; i < pairs; i++) {
        float cos = table[tableOffset + i];
        float sin = table[tableOffset + pairs + i];
        int first = start + i * step;
        float a = x[first];
        float b = x[first + distance];
        x[first] = a * cos - b * sin;
        x[first + distance] = a * sin + b * cos;
      }
    }
  }
}
