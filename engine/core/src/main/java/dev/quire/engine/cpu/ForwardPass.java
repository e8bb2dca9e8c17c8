package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.Arithmetic;
import dev.quire.engine.cpu.math.MatMul;
import dev.quire.engine.cpu.math.Matrix;
import dev.quire.engine.cpu.math.PagedAttention;
import dev.quire.engine.cpu.math.WorkerTeam;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.LayerWeights;
import dev.quire.engine.model.QueryKeyNorm;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One step through the decoder, as {@link DecoderSpec} draws it. Its arrays grow with the largest
 * step and are used again.
 */
final class ForwardPass {
  private final DecoderSpec spec;
  private final int hidden;
  private final Matrix embedding;
  private final Matrix head;
  private final float[] finalNorm;
  private final List<CpuLayer> layers;
  private final List<StepRope> ropes;
  private final RowLoop rows;
  private final Arithmetic arithmetic;
  private final MatMul matMul;
  private final PagedAttention attention;
  private final FeedForwardPass feedForward;
  private final WantedRows wantedRows;

  /** The residual stream, {@code [tokens × hidden]}. */
  private float[] x = {};

  /** A part's input where it is normalised first. */
  private float[] normed = {};

  /** A part's result before it joins the residual stream. */
  private float[] result = {};

  private float[] query = {};
  private float[] key = {};
  private float[] value = {};
  private float[] logits = {};

  /** The head's input in the latest step, {@code [wanted rows × hidden]}. */
  private float[] last = {};

  ForwardPass(
      DecoderModel model,
      Matrix head,
      List<CpuLayer> layers,
      WorkerTeam team,
      MatMul matMul,
      PagedAttention attention,
      Arithmetic arithmetic) {
    this.spec = model.spec();
    this.hidden = spec.hiddenSize();
    this.embedding = Matrix.of(model.embedding());
    this.head = head;
    this.finalNorm = model.finalNorm();
    this.layers = List.copyOf(layers);
    this.ropes = spec.ropes().stream().map(StepRope::new).toList();
    this.rows = new RowLoop(team);
    this.arithmetic = arithmetic;
    this.matMul = matMul;
    this.attention = attention;
    this.feedForward = new FeedForwardPass(team, matMul, arithmetic, hidden);
    this.wantedRows = new WantedRows(spec.cacheGroups().size());
  }

  /** Logits of the wanted rows, {@code [numLogitsRows × vocabulary]}; may be longer. */
  float[] run(StepBatch batch) {
    embed(batch);
    ropes.forEach(rope -> rope.fill(batch, rows));
    for (int i = 0; i < layers.size() - 1; i++) {
      layer(layers.get(i), batch);
    }
    lastLayer(layers.getLast(), batch);
    return head(batch.numLogitsRows);
  }

  private void embed(StepBatch batch) {
    long elements = (long) batch.numTokens * hidden;
    x = RowLoop.grown(x, elements);
    normed = RowLoop.grown(normed, elements);
    result = RowLoop.grown(result, elements);
    rows.forEach(
        batch.numTokens,
        (row, _) -> {
          embedding.decodeRow(batch.tokenIds[row], x, row * hidden);
          if (spec.embeddingScale() != 1) {
            arithmetic.scale(x, row * hidden, hidden, spec.embeddingScale());
          }
        });
  }

  private void layer(CpuLayer layer, StepBatch batch) {
    int n = batch.numTokens;
    growHeads(layer, n);
    float[] input = normalised(layer.weights().beforeAttention(), n);
    matMul.multiplyAll(layer.queryKeyValue(), input, n, List.of(query, key, value));
    storeKeysAndValues(layer, batch);
    rows.forEach(n, (row, _) -> prepareQuery(layer, row, row));
    attention.attend(batch, layer.spec().cacheGroup(), layer.cache(), layer.shape(), query, query);
    afterAttention(layer, n);
  }

  /** Keys and values of all rows go to the cache; the rest is computed for the wanted rows. */
  private void lastLayer(CpuLayer layer, StepBatch batch) {
    int n = batch.numTokens;
    int wanted = batch.numLogitsRows;
    if (wanted == n) {
      layer(layer, batch);
      return;
    }
    growHeads(layer, n);
    float[] input = normalised(layer.weights().beforeAttention(), n);
    matMul.multiplyAll(layer.keyValue(), input, n, List.of(key, value));
    storeKeysAndValues(layer, batch);
    if (wanted == 0) {
      return;
    }
    for (int i = 0; i < wanted; i++) {
      int row = batch.logitsRows[i];
      System.arraycopy(x, row * hidden, x, i * hidden, hidden);
      if (input != x) {
        System.arraycopy(input, row * hidden, input, i * hidden, hidden);
      }
    }
    matMul.multiply(layer.query(), input, wanted, query);
    rows.forEach(wanted, (i, _) -> prepareQuery(layer, i, batch.logitsRows[i]));
    int group = layer.spec().cacheGroup();
    attention.attend(
        wantedRows.of(batch, group), group, layer.cache(), layer.shape(), query, query);
    afterAttention(layer, wanted);
  }

  private void growHeads(CpuLayer layer, int n) {
    AttentionSpec shape = layer.spec().attention();
    query = RowLoop.grown(query, (long) n * shape.querySize());
    key = RowLoop.grown(key, (long) n * shape.kvSize());
    value = RowLoop.grown(value, (long) n * shape.kvSize());
  }

  private float[] normalised(float @Nullable [] weights, int n) {
    if (weights == null) {
      return x;
    }
    rows.forEach(n, (row, _) -> norm(x, row * hidden, weights, hidden, normed, row * hidden));
    return normed;
  }

  private void norm(float[] from, int fromAt, float[] weights, int size, float[] to, int toAt) {
    arithmetic.rmsNorm(from, fromAt, weights, spec.normEpsilon(), size, to, toAt);
  }

  private void storeKeysAndValues(CpuLayer layer, StepBatch batch) {
    AttentionSpec shape = layer.spec().attention();
    LayerWeights weights = layer.weights();
    int size = shape.kvSize();
    int[] slots = batch.slots[layer.spec().cacheGroup()];
    rows.forEach(
        batch.numTokens,
        (row, _) -> {
          int at = row * size;
          RowLoop.addBias(key, at, weights.key().bias());
          RowLoop.addBias(value, at, weights.value().bias());
          normHeads(shape, weights.keyNorm(), key, at, shape.kvHeads());
          rotate(layer, key, at, shape.kvHeads(), row);
          layer.cache().store(slots[row], key, at, value, at);
        });
  }

  /**
   * @param i the query's place
   * @param row the token's place in the step
   */
  private void prepareQuery(CpuLayer layer, int i, int row) {
    AttentionSpec shape = layer.spec().attention();
    int at = i * shape.querySize();
    RowLoop.addBias(query, at, layer.weights().query().bias());
    normHeads(shape, layer.weights().queryNorm(), query, at, shape.heads());
    rotate(layer, query, at, shape.heads(), row);
  }

  private void normHeads(
      AttentionSpec shape, float @Nullable [] weights, float[] heads, int at, int count) {
    if (weights == null) {
      return;
    }
    if (shape.norm() == QueryKeyNorm.WHOLE_ROW) {
      norm(heads, at, weights, count * shape.headSize(), heads, at);
      return;
    }
    for (int h = 0; h < count; h++) {
      int head = at + h * shape.headSize();
      norm(heads, head, weights, shape.headSize(), heads, head);
    }
  }

  private void rotate(CpuLayer layer, float[] heads, int at, int count, int row) {
    if (layer.rope() >= 0) {
      ropes.get(layer.rope()).rotate(heads, at, count, layer.shape().headSize(), row);
    }
  }

  private void afterAttention(CpuLayer layer, int n) {
    LayerWeights weights = layer.weights();
    matMul.multiply(layer.output(), query, n, result);
    addResult(weights.output().bias(), weights.afterAttention(), n);
    float[] input = normalised(weights.beforeFeedForward(), n);
    feedForward.run(layer.feedForward(), input, n, result);
    addResult(null, weights.afterFeedForward(), n);
  }

  private void addResult(float @Nullable [] bias, float @Nullable [] norm, int n) {
    rows.forEach(
        n,
        (row, _) -> {
          int at = row * hidden;
          RowLoop.addBias(result, at, bias);
          if (norm != null) {
            norm(result, at, norm, hidden, result, at);
          }
          if (spec.residualScale() != 1) {
            arithmetic.scale(result, at, hidden, spec.residualScale());
          }
          arithmetic.add(x, at, result, at, hidden);
        });
  }

  float[] hiddenRows() {
    return last;
  }

  private float[] head(int n) {
    int vocabulary = spec.vocabularySize();
    logits = RowLoop.grown(logits, (long) n * vocabulary);
    if (n == 0) {
      return logits;
    }
    last = normalised(finalNorm, n);
    matMul.multiply(head, last, n, logits);
    if (spec.logitScale() != 1 || spec.logitSoftCap() != 0) {
      rows.forEach(
          n,
          (row, _) -> {
            arithmetic.scale(logits, row * vocabulary, vocabulary, spec.logitScale());
            if (spec.logitSoftCap() != 0) {
              arithmetic.softCap(logits, row * vocabulary, vocabulary, spec.logitSoftCap());
            }
          });
    }
    return logits;
  }
}
