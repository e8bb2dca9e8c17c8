package dev.quire.engine.model;

import dev.quire.engine.model.TensorNaming.Role;
import dev.quire.weights.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds a layer's tensors by the names of a format and checks them against the spec. */
final class WeightBinder {
  private final DecoderSpec spec;
  private final TensorSource tensors;
  private final TensorNaming naming;
  private final boolean normsLessOne;

  /**
   * @param normsLessOne whether the file stores norm weights less one, as Hugging Face's Gemma does
   */
  WeightBinder(DecoderSpec spec, TensorSource tensors, TensorNaming naming, boolean normsLessOne) {
    this.spec = spec;
    this.tensors = tensors;
    this.naming = naming;
    this.normsLessOne = normsLessOne;
  }

  List<LayerWeights> layers() {
    List<LayerWeights> layers = new ArrayList<>();
    for (int i = 0; i < spec.layers().size(); i++) {
      layers.add(new Layer(i, spec.layers().get(i)).bind());
    }
    int count = layers.size();
    tensors.refuse(
        new Layer(count, spec.layers().getLast()).name(Role.ATTENTION_OUTPUT) + ".weight",
        "belongs to no layer: the model's description has " + count);
    return layers;
  }

  float[] norm(String name, int size) {
    float[] weights = tensors.vector(name, size);
    if (normsLessOne) {
      for (int i = 0; i < weights.length; i++) {
        weights[i] += 1;
      }
    }
    return weights;
  }

  private final class Layer {
    private final int index;
    private final LayerSpec layer;
    private final int hidden = spec.hiddenSize();

    Layer(int index, LayerSpec layer) {
      this.index = index;
      this.layer = layer;
    }

    LayerWeights bind() {
      AttentionSpec attention = layer.attention();
      NormPlacement placement = layer.normPlacement();
      boolean inputBias = attention.inputBias();
      int queries = attention.querySize();
      int kv = attention.kvSize();
      Projection query;
      Projection key;
      Projection value;
      if (tensors.has(name(Role.QUERY_KEY_VALUE) + ".weight")) {
        Projection fused =
            projection(name(Role.QUERY_KEY_VALUE), queries + 2 * kv, hidden, inputBias);
        query = slice(fused, 0, queries);
        key = slice(fused, queries, queries + kv);
        value = slice(fused, queries + kv, queries + 2 * kv);
      } else {
        query = projection(name(Role.QUERY), queries, hidden, inputBias);
        key = projection(name(Role.KEY), kv, hidden, inputBias);
        value = projection(name(Role.VALUE), kv, hidden, inputBias);
      }
      return new LayerWeights(
          placement.before() ? layerNorm(Role.BEFORE_ATTENTION) : null,
          placement.after() ? layerNorm(Role.AFTER_ATTENTION) : null,
          placement.before() ? layerNorm(Role.BEFORE_FEED_FORWARD) : null,
          placement.after() ? layerNorm(Role.AFTER_FEED_FORWARD) : null,
          query,
          key,
          value,
          projection(name(Role.ATTENTION_OUTPUT), hidden, queries, attention.outputBias()),
          headNorm(Role.QUERY_NORM, queries),
          headNorm(Role.KEY_NORM, kv),
          switch (layer.feedForward()) {
            case FeedForwardSpec.Dense dense -> dense(dense);
            case FeedForwardSpec.Experts experts -> experts(experts);
          });
    }

    private String name(Role role) {
      return naming.layer(index) + naming.name(role, layer.normPlacement());
    }

    private float[] layerNorm(Role role) {
      return norm(name(role) + ".weight", hidden);
    }

    private float @Nullable [] headNorm(Role role, int row) {
      return switch (layer.attention().norm()) {
        case NONE -> null;
        case PER_HEAD -> norm(name(role) + ".weight", layer.attention().headSize());
        case WHOLE_ROW -> norm(name(role) + ".weight", row);
      };
    }

    private FeedForwardWeights.Dense dense(FeedForwardSpec.Dense dense) {
      int inner = dense.innerSize();
      Projection down = projection(name(Role.DOWN), hidden, inner, dense.bias());
      boolean separate = tensors.has(name(Role.GATE) + ".weight");
      if (!separate && tensors.has(name(Role.GATE_UP) + ".weight")) {
        Projection fused = projection(name(Role.GATE_UP), 2 * inner, hidden, dense.bias());
        return new FeedForwardWeights.Dense(
            slice(fused, 0, inner), slice(fused, inner, 2 * inner), down);
      }
      return new FeedForwardWeights.Dense(
          projection(name(Role.GATE), inner, hidden, dense.bias()),
          projection(name(Role.UP), inner, hidden, dense.bias()),
          down);
    }

    private FeedForwardWeights.Experts experts(FeedForwardSpec.Experts experts) {
      return naming == TensorNaming.GGUF ? ggufExperts(experts) : huggingFaceExperts(experts);
    }

    private FeedForwardWeights.Experts ggufExperts(FeedForwardSpec.Experts experts) {
      String layerName = naming.layer(index);
      int inner = experts.innerSize();
      int count = experts.count();
      List<FeedForwardWeights.Dense> networks = new ArrayList<>();
      if (tensors.has(layerName + "ffn_gate_exps.weight")) {
        Tensor gates = tensors.tensor(layerName + "ffn_gate_exps.weight", count, inner, hidden);
        Tensor ups = tensors.tensor(layerName + "ffn_up_exps.weight", count, inner, hidden);
        Tensor downs = tensors.tensor(layerName + "ffn_down_exps.weight", count, hidden, inner);
        for (int e = 0; e < count; e++) {
          networks.add(
              new FeedForwardWeights.Dense(
                  new Projection(TensorSource.element(gates, e), null),
                  new Projection(TensorSource.element(ups, e), null),
                  new Projection(TensorSource.element(downs, e), null)));
        }
      } else { // files from before experts were stacked
        for (int e = 0; e < count; e++) {
          networks.add(
              network(
                  layerName + "ffn_gate." + e,
                  layerName + "ffn_up." + e,
                  layerName + "ffn_down." + e,
                  inner));
        }
      }
      boolean shares = experts.sharedInnerSize() > 0;
      return new FeedForwardWeights.Experts(
          tensors.tensor(layerName + "ffn_gate_inp.weight", count, hidden),
          networks,
          shares
              ? network(
                  layerName + "ffn_gate_shexp",
                  layerName + "ffn_up_shexp",
                  layerName + "ffn_down_shexp",
                  experts.sharedInnerSize())
              : null,
          shares ? row(tensors.tensor(layerName + "ffn_gate_inp_shexp.weight", hidden)) : null);
    }

    private FeedForwardWeights.Experts huggingFaceExperts(FeedForwardSpec.Experts experts) {
      String layerName = naming.layer(index);
      boolean mixtral = tensors.has(layerName + "block_sparse_moe.gate.weight");
      String block = layerName + (mixtral ? "block_sparse_moe." : "mlp.");
      List<FeedForwardWeights.Dense> networks = new ArrayList<>();
      for (int e = 0; e < experts.count(); e++) {
        String expert = block + "experts." + e + ".";
        networks.add(
            mixtral
                ? network(expert + "w1", expert + "w3", expert + "w2", experts.innerSize())
                : network(
                    expert + "gate_proj",
                    expert + "up_proj",
                    expert + "down_proj",
                    experts.innerSize()));
      }
      boolean shares = experts.sharedInnerSize() > 0;
      String shared = block + "shared_expert.";
      return new FeedForwardWeights.Experts(
          tensors.tensor(block + "gate.weight", experts.count(), hidden),
          networks,
          shares
              ? network(
                  shared + "gate_proj",
                  shared + "up_proj",
                  shared + "down_proj",
                  experts.sharedInnerSize())
              : null,
          shares ? tensors.tensor(block + "shared_expert_gate.weight", 1, hidden) : null);
    }

    private FeedForwardWeights.Dense network(String gate, String up, String down, int inner) {
      return new FeedForwardWeights.Dense(
          projection(gate, inner, hidden, false),
          projection(up, inner, hidden, false),
          projection(down, hidden, inner, false));
    }
  }

  private Projection projection(String name, int outputs, int inputs, boolean bias) {
    return new Projection(
        tensors.tensor(name + ".weight", outputs, inputs),
        bias ? tensors.vector(name + ".bias", outputs) : null);
  }

  private static Projection slice(Projection fused, int from, int to) {
    Tensor weight = fused.weight();
    float[] bias = fused.bias();
    return new Projection(
        TensorSource.rows(weight, "%s[%d:%d]".formatted(weight.name(), from, to), from, to),
        bias == null ? null : Arrays.copyOfRange(bias, from, to));
  }

  /** A vector as a matrix of one row. */
  private static Tensor row(Tensor vector) {
    return new Tensor(
        vector.name(), vector.type(), new long[] {1, vector.elements()}, vector.data());
  }
}
