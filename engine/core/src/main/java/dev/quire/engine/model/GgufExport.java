package dev.quire.engine.model;

import dev.quire.engine.model.TensorNaming.Role;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.quantize.TypePlan;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Adds the tensors of a model that was read from a folder to a GGUF file, by GGUF's names and in
 * its layout: the Llama family's query and key rows permuted for rotation of neighbours, experts
 * stacked. What is joined in the folder is written apart.
 */
public final class GgufExport {
  private final DecoderSpec spec;
  private final DecoderModel model;
  private final Architecture architecture;
  private final TensorType type;
  private final GgufWriter writer;

  private GgufExport(DecoderModel model, TensorType type, GgufWriter writer) {
    this.model = model;
    this.spec = model.spec();
    this.architecture = GgufDescription.architecture(spec);
    this.type = type;
    this.writer = writer;
  }

  /**
   * @param type of the matrices, where their rows fill its blocks
   * @throws WeightsException if GGUF can't hold the model
   */
  public static void addTensors(DecoderModel model, TensorType type, GgufWriter writer) {
    new GgufExport(model, type, writer).addAll();
  }

  private void addAll() {
    matrix("token_embd.weight", model.embedding());
    vector("output_norm.weight", model.finalNorm());
    if (model.head() != model.embedding()) {
      matrix("output.weight", model.head());
    }
    GgufDescription.ropeTensors(spec).forEach(this::vector);
    for (int i = 0; i < spec.layers().size(); i++) {
      layer(i, spec.layers().get(i), model.layers().get(i));
    }
  }

  private void layer(int index, LayerSpec layer, LayerWeights weights) {
    String block = TensorNaming.GGUF.layer(index);
    Function<Role, String> name =
        role -> block + TensorNaming.GGUF.name(role, layer.normPlacement());
    norm(name.apply(Role.BEFORE_ATTENTION), weights.beforeAttention());
    norm(name.apply(Role.AFTER_ATTENTION), weights.afterAttention());
    norm(name.apply(Role.BEFORE_FEED_FORWARD), weights.beforeFeedForward());
    norm(name.apply(Role.AFTER_FEED_FORWARD), weights.afterFeedForward());
    norm(name.apply(Role.QUERY_NORM), weights.queryNorm());
    norm(name.apply(Role.KEY_NORM), weights.keyNorm());
    int head =
        architecture.ggufLayout() == RopeLayout.INTERLEAVED ? layer.attention().headSize() : 0;
    projection(name.apply(Role.QUERY), weights.query(), head);
    projection(name.apply(Role.KEY), weights.key(), head);
    projection(name.apply(Role.VALUE), weights.value(), 0);
    projection(name.apply(Role.ATTENTION_OUTPUT), weights.output(), 0);
    switch (weights.feedForward()) {
      case FeedForwardWeights.Dense dense -> {
        projection(name.apply(Role.GATE), dense.gate(), 0);
        projection(name.apply(Role.UP), dense.up(), 0);
        projection(name.apply(Role.DOWN), dense.down(), 0);
      }
      case FeedForwardWeights.Experts experts -> experts(block, experts);
    }
  }

  private void experts(String block, FeedForwardWeights.Experts experts) {
    matrix(block + "ffn_gate_inp.weight", experts.router());
    stack(block + "ffn_gate_exps.weight", experts, FeedForwardWeights.Dense::gate);
    stack(block + "ffn_up_exps.weight", experts, FeedForwardWeights.Dense::up);
    stack(block + "ffn_down_exps.weight", experts, FeedForwardWeights.Dense::down);
    FeedForwardWeights.Dense shared = experts.shared();
    Tensor gate = experts.sharedGate();
    if (shared != null && gate != null) {
      projection(block + "ffn_gate_shexp", shared.gate(), 0);
      projection(block + "ffn_up_shexp", shared.up(), 0);
      projection(block + "ffn_down_shexp", shared.down(), 0);
      vector(block + "ffn_gate_inp_shexp.weight", gate.toFloats());
    }
  }

  private void stack(
      String name,
      FeedForwardWeights.Experts experts,
      Function<FeedForwardWeights.Dense, Projection> part) {
    List<Tensor> parts = new ArrayList<>();
    experts.experts().forEach(expert -> parts.add(part.apply(expert).weight()));
    long[] one = parts.getFirst().shape();
    add(name, new long[] {parts.size(), one[0], one[1]}, parts, 0);
  }

  private void norm(String name, float @Nullable [] weights) {
    if (weights != null) {
      vector(name + ".weight", weights);
    }
  }

  private void projection(String name, Projection projection, int interleavedHead) {
    Tensor weight = projection.weight();
    add(name + ".weight", weight.shape(), List.of(weight), interleavedHead);
    float[] bias = projection.bias();
    if (bias != null) {
      float[] rows = new float[bias.length];
      for (int row = 0; row < rows.length; row++) {
        rows[row] = bias[sourceRow(row, interleavedHead)];
      }
      vector(name + ".bias", rows);
    }
  }

  private void matrix(String name, Tensor tensor) {
    add(name, tensor.shape(), List.of(tensor), 0);
  }

  private void vector(String name, float[] values) {
    writer.add(
        name,
        TensorType.F32,
        new long[] {values.length},
        (first, elements, piece) ->
            TensorType.F32.codec().encode(values, Math.toIntExact(first), piece, 0, elements));
  }

  private void add(String name, long[] shape, List<Tensor> parts, int interleavedHead) {
    TensorType target = TypePlan.typeOf(name, shape, type);
    writer.add(
        name,
        target,
        shape,
        (first, elements, piece) -> {
          float[] values = new float[elements];
          read(parts, interleavedHead, first, values);
          for (float value : values) {
            if (!Float.isFinite(value)) {
              throw new WeightsException(
                  "tensor '%s' holds %s, which can't be quantised".formatted(name, value));
            }
          }
          target.codec().encode(values, 0, piece, 0, elements);
        });
  }

  /** The elements from {@code first} on of the parts one after the other. */
  private static void read(List<Tensor> parts, int interleavedHead, long first, float[] values) {
    long each = parts.getFirst().elements();
    int columns = parts.getFirst().columns();
    for (int done = 0; done < values.length; ) {
      long at = first + done;
      Tensor part = parts.get(Math.toIntExact(at / each));
      int row = Math.toIntExact(at % each / columns);
      int column = (int) (at % columns);
      int count = Math.min(columns - column, values.length - done);
      long from = (long) sourceRow(row, interleavedHead) * columns + column;
      TensorType type = part.type();
      type.codec().decode(part.data(), type.bytesFor(from), values, done, count);
      done += count;
    }
  }

  /** Rows 2i and 2i + 1 of a head are rows i of its first half and of its second. */
  private static int sourceRow(int row, int head) {
    if (head == 0) {
      return row;
    }
    int within = row % head;
    return row - within + within / 2 + within % 2 * (head / 2);
  }
}
