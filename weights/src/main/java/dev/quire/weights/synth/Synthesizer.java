package dev.quire.weights.synth;

import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import dev.quire.weights.gguf.TensorSource;
import dev.quire.weights.quantize.TypePlan;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes models of random weights as GGUF files that any reader of the format loads. The same
 * shape, type and seed give the same file on every machine.
 *
 * <p>Weights are normal with a standard deviation of 0.02; the matrices that write into the
 * residual stream have that over √(2·layers), so that activations keep their size through the
 * layers.
 */
public final class Synthesizer {
  private static final float DEVIATION = 0.02f;

  private final ModelShape shape;
  private final TensorType type;
  private final long seed;
  private final Map<String, Pattern> patterns = new HashMap<>();
  private int tensorsAdded;

  /**
   * @param type of the matrices; see {@link TypePlan} for the others
   * @throws WeightsException if models can't be written in this type
   */
  public Synthesizer(ModelShape shape, TensorType type, long seed) {
    TypePlan.requireWritable(type);
    this.shape = shape;
    this.type = type;
    this.seed = seed;
  }

  /**
   * Writes the model, replacing a file that is there.
   *
   * @throws WeightsException if it can't be written
   */
  public void write(Path output, Progress progress) {
    tensorsAdded = 0;
    var writer = new GgufWriter(metadata());
    int keyValue = shape.keyValueHeads() * shape.headSize();
    int query = shape.heads() * shape.headSize();
    float residual = DEVIATION / (float) Math.sqrt(2.0 * shape.layers());
    matrix(writer, "token_embd.weight", shape.vocabulary(), shape.hidden(), DEVIATION);
    norm(writer, "output_norm.weight", shape.hidden());
    if (!shape.tied()) {
      matrix(writer, "output.weight", shape.vocabulary(), shape.hidden(), DEVIATION);
    }
    if (shape.ropeScaling() != 1) {
      float[] factors = ropeFactors();
      writer.add("rope_freqs.weight", TensorType.F32, new long[] {factors.length}, values(factors));
    }
    for (int layer = 0; layer < shape.layers(); layer++) {
      String block = "blk." + layer + ".";
      norm(writer, block + "attn_norm.weight", shape.hidden());
      matrix(writer, block + "attn_q.weight", query, shape.hidden(), DEVIATION);
      matrix(writer, block + "attn_k.weight", keyValue, shape.hidden(), DEVIATION);
      matrix(writer, block + "attn_v.weight", keyValue, shape.hidden(), DEVIATION);
      matrix(writer, block + "attn_output.weight", shape.hidden(), query, residual);
      if (shape.normalizesHeads()) {
        norm(writer, block + "attn_q_norm.weight", shape.headSize());
        norm(writer, block + "attn_k_norm.weight", shape.headSize());
      }
      norm(writer, block + "ffn_norm.weight", shape.hidden());
      matrix(writer, block + "ffn_gate.weight", shape.feedForward(), shape.hidden(), DEVIATION);
      matrix(writer, block + "ffn_up.weight", shape.feedForward(), shape.hidden(), DEVIATION);
      matrix(writer, block + "ffn_down.weight", shape.hidden(), shape.feedForward(), residual);
    }
    writer.write(output, progress);
  }

  private void matrix(GgufWriter writer, String name, int rows, int columns, float deviation) {
    long[] dimensions = {rows, columns};
    TensorType stored = TypePlan.typeOf(name, dimensions, type);
    Pattern pattern =
        patterns.computeIfAbsent(
            stored + " " + deviation, _ -> new Pattern(stored, deviation, seed));
    writer.add(name, stored, dimensions, pattern.tensor(Counter.bits(seed, ++tensorsAdded)));
  }

  /** Around one, each element a little different, so that a mixed-up one shows. */
  private void norm(GgufWriter writer, String name, int size) {
    long tensorSeed = Counter.bits(seed, ++tensorsAdded);
    float[] weights = new float[size];
    for (int i = 0; i < size; i++) {
      weights[i] = 1 + 0.05f * Counter.normal(tensorSeed, i);
    }
    writer.add(name, TensorType.F32, new long[] {size}, values(weights));
  }

  private static TensorSource values(float[] values) {
    return (first, elements, piece) ->
        TensorType.F32.codec().encode(values, (int) first, piece, 0, elements);
  }

  /**
   * What Llama 3.1 and later divide their rotary frequencies by: 1 for short wavelengths, the
   * scaling for those longer than the context of the first training (8192), smooth between a
   * quarter of it and it. Source: the {@code llama3} rope type of transformers' {@code
   * modeling_rope_utils}.
   */
  private float[] ropeFactors() {
    double trained = 8192;
    double lowFactor = 1;
    double highFactor = 4;
    float[] factors = new float[shape.headSize() / 2];
    for (int i = 0; i < factors.length; i++) {
      double exponent = 2.0 * i / shape.headSize();
      double wavelength = 2 * Math.PI * Math.pow(shape.ropeBase(), exponent);
      double smooth = (trained / wavelength - lowFactor) / (highFactor - lowFactor);
      smooth = Math.clamp(smooth, 0.0, 1.0);
      factors[i] = (float) (1 / ((1 - smooth) / shape.ropeScaling() + smooth));
    }
    return factors;
  }

  private Metadata metadata() {
    String architecture = shape.architecture();
    MetadataBuilder metadata =
        Metadata.builder()
            .string("general.architecture", architecture)
            .string("general.type", "model")
            .string("general.name", shape.name() + " (random weights)")
            .integer("general.file_type", TypePlan.fileType(type))
            .integer("general.quantization_version", 2)
            .integer(architecture + ".block_count", shape.layers())
            .integer(architecture + ".context_length", shape.contextLength())
            .integer(architecture + ".embedding_length", shape.hidden())
            .integer(architecture + ".feed_forward_length", shape.feedForward())
            .integer(architecture + ".attention.head_count", shape.heads())
            .integer(architecture + ".attention.head_count_kv", shape.keyValueHeads())
            .integer(architecture + ".attention.key_length", shape.headSize())
            .integer(architecture + ".attention.value_length", shape.headSize())
            .number(architecture + ".attention.layer_norm_rms_epsilon", shape.normEpsilon())
            .number(architecture + ".rope.freq_base", shape.ropeBase())
            .integer(architecture + ".rope.dimension_count", shape.headSize())
            .integer(architecture + ".vocab_size", shape.vocabulary());
    SynthTokenizer.describe(shape, metadata);
    return metadata.build();
  }
}
