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
import java.util.Arrays;
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

  // What the team does to a row, and of what: fields, since a closure a call would be garbage.
  private final WorkerTeam.ItemTask embedRow = (row, _) -> embedRow(row);
  private final WorkerTeam.ItemTask normRow = (row, _) -> normRow(row);
  private final WorkerTeam.ItemTask storeRow = (row, _) -> storeRow(row);
  private final WorkerTeam.ItemTask queryRow = (row, _) -> queryRow(row);
  private final WorkerTeam.ItemTask resultRow = (row, _) -> resultRow(row);
  private final WorkerTeam.ItemTask capRow = (row, _) -> capRow(row);
  private final float[][] products = new float[3][];
  private final List<float[]> queryKeyValue = Arrays.asList(products);
  private final List<float[]> keyValue = queryKeyValue.subList(1, 3);
  private StepBatch batch = new StepBatch();
  private @Nullable CpuLayer current;
  private float @Nullable [] rowNorm;
  private float @Nullable [] rowBias;

  /** Whether the layer goes on with the wanted rows alone. */
  private boolean wantedAlone;

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
  float[] run(StepBatch step) {
    batch = step;
    wantedAlone = false;
    embed();
    for (int i = 0; i < ropes.size(); i++) {
      ropes.get(i).fill(batch, rows);
    }
    for (int i = 0; i < layers.size() - 1; i++) {
      layer(layers.get(i));
    }
    lastLayer(layers.get(layers.size() - 1));
    return head(batch.numLogitsRows);
  }

  private void embed() {
    long elements = (long) batch.numTokens * hidden;
    x = RowLoop.grown(x, elements);
    normed = RowLoop.grown(normed, elements);
    result = RowLoop.grown(result, elements);
    rows.forEach(batch.numTokens, embedRow);
  }

  private void embedRow(int row) {
    embedding.decodeRow(batch.tokenIds[row], x, row * hidden);
    if (spec.embeddingScale() != 1) {
      arithmetic.scale(x, row * hidden, hidden, spec.embeddingScale());
    }
  }

  private void layer(CpuLayer layer) {
    current = layer;
    int n = batch.numTokens;
    growHeads(layer, n);
    float[] input = normalised(layer.weights().beforeAttention(), n);
    matMul.multiplyAll(layer.queryKeyValue(), input, n, queryKeyValue);
    rows.forEach(n, storeRow);
    rows.forEach(n, queryRow);
    attention.attend(batch, layer.spec().cacheGroup(), layer.cache(), layer.shape(), query, query);
    afterAttention(layer, n);
  }

  /** Keys and values of all rows go to the cache; the rest is computed for the wanted rows. */
  private void lastLayer(CpuLayer layer) {
    int n = batch.numTokens;
    int wanted = batch.numLogitsRows;
    if (wanted == n) {
      layer(layer);
      return;
    }
    current = layer;
    growHeads(layer, n);
    float[] input = normalised(layer.weights().beforeAttention(), n);
    matMul.multiplyAll(layer.keyValue(), input, n, keyValue);
    rows.forEach(n, storeRow);
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
    wantedAlone = true;
    rows.forEach(wanted, queryRow);
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
    products[0] = query;
    products[1] = key;
    products[2] = value;
  }

  private float[] normalised(float @Nullable [] weights, int n) {
    if (weights == null) {
      return x;
    }
    rowNorm = weights;
    rows.forEach(n, normRow);
    return normed;
  }

  private void normRow(int row) {
    float[] weights = rowNorm;
    if (weights != null) {
      norm(x, row * hidden, weights, hidden, normed, row * hidden);
    }
  }

  private void norm(float[] from, int fromAt, float[] weights, int size, float[] to, int toAt) {
    arithmetic.rmsNorm(from, fromAt, weights, spec.normEpsilon(), size, to, toAt);
  }

  private CpuLayer current() {
    CpuLayer layer = current;
    if (layer == null) {
      throw new IllegalStateException("no step under way");
    }
    return layer;
  }

  /** A token's key and value go to the cache. */
  private void storeRow(int row) {
    CpuLayer layer = current();
    AttentionSpec shape = layer.spec().attention();
    LayerWeights weights = layer.weights();
    int at = row * shape.kvSize();
    RowLoop.addBias(key, at, weights.key().bias());
    RowLoop.addBias(value, at, weights.value().bias());
    normHeads(shape, weights.keyNorm(), key, at, shape.kvHeads());
    rotate(layer, key, at, shape.kvHeads(), row);
    int slot = batch.slots[layer.spec().cacheGroup()][row];
    layer.cache().store(slot, key, at, value, at);
  }

  /**
   * @param i the query's place; the token's place in the step may be another
   */
  private void queryRow(int i) {
    CpuLayer layer = current();
    int row = wantedAlone ? batch.logitsRows[i] : i;
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
    rowBias = bias;
    rowNorm = norm;
    rows.forEach(n, resultRow);
  }

  private void resultRow(int row) {
    int at = row * hidden;
    float[] norm = rowNorm;
    RowLoop.addBias(result, at, rowBias);
    if (norm != null) {
      norm(result, at, norm, hidden, result, at);
    }
    if (spec.residualScale() != 1) {
      arithmetic.scale(result, at, hidden, spec.residualScale());
    }
    arithmetic.add(x, at, result, at, hidden);
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
      rows.forEach(n, capRow);
    }
    return logits;
  }

  private void capRow(int row) {
    int vocabulary = spec.vocabularySize();
    arithmetic.scale(logits, row * vocabulary, vocabulary, spec.logitScale());
    if (spec.logitSoftCap() != 0) {
      arithmetic.softCap(logits, row * vocabulary, vocabulary, spec.logitSoftCap());
    }
  }
}
