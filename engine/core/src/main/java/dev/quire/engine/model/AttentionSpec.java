package dev.quire.engine.model;

import org.jspecify.annotations.Nullable;

/**
 * A layer's attention: {@code softmax(cap(scale · q kᵀ)) v} over the visible positions, query head
 * {@code h} with key-value head {@code h · kvHeads / heads}.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headSize elements of a head
 * @param scale of the scores
 * @param softCap c in {@code c · tanh(score / c)}; 0: none
 * @param window positions that a query sees, its own included; 0: all up to its own
 * @param rope rotary embedding; null where the layer has none
 * @param norm of queries and keys
 * @param inputBias whether the query, key and value projections have biases
 * @param outputBias whether the output projection has one
 */
public record AttentionSpec(
    int heads,
    int kvHeads,
    int headSize,
    float scale,
    float softCap,
    int window,
    @Nullable RopeSpec rope,
    QueryKeyNorm norm,
    boolean inputBias,
    boolean outputBias) {

  /** Elements of all query heads of a token. */
  public int querySize() {
    return heads * headSize;
  }

  /** Elements of all key heads of a token, and of all value heads. */
  public int kvSize() {
    return kvHeads * headSize;
  }
}
