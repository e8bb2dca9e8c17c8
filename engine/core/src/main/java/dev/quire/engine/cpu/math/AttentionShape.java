package dev.quire.engine.cpu.math;

/**
 * What a layer's attention looks like.
 *
 * @param heads query heads, a multiple of {@code kvHeads}; query head {@code h} reads key and value
 *     head {@code h / (heads / kvHeads)}
 * @param headSize floats of a query, key and value
 * @param scale factor on the scores, {@code 1 / √headSize} mostly
 * @param softCap scores become {@code softCap · tanh(score / softCap)} before the mask; 0 for none
 * @param window a token sees itself and the {@code window − 1} positions before it; 0 for all
 */
public record AttentionShape(
    int heads, int kvHeads, int headSize, float scale, float softCap, int window) {
  public AttentionShape {
    if (kvHeads < 1 || heads % kvHeads != 0 || headSize < 1 || window < 0) {
      throw new IllegalArgumentException(
          "%d query heads on %d key heads of size %d, window %d"
              .formatted(heads, kvHeads, headSize, window));
    }
  }

  /** Query heads that share a key head. */
  int groupSize() {
    return heads / kvHeads;
  }
}
