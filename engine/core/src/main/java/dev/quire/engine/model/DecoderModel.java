package dev.quire.engine.model;

import dev.quire.weights.tensor.Tensor;
import java.util.List;

/**
 * A decoder with its weights by role. Matrices are views of the mapped file and live as long as it
 * is open; vectors are copies.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param finalNorm {@code [hidden]}
 * @param head {@code [vocabulary, hidden]}; the embedding itself where it is tied
 */
@SuppressWarnings("ArrayRecordComponent") // weights, never compared
public record DecoderModel(
    DecoderSpec spec, Tensor embedding, List<LayerWeights> layers, float[] finalNorm, Tensor head) {

  public DecoderModel {
    layers = List.copyOf(layers);
  }
}
