package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.AttentionShape;
import dev.quire.engine.cpu.math.KvCache;
import dev.quire.engine.cpu.math.Matrix;
import dev.quire.engine.cpu.math.WeightPacking;
import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.LayerSpec;
import dev.quire.engine.model.LayerWeights;
import java.util.List;

/**
 * A layer ready to run.
 *
 * @param rope index of its rotary embedding among the model's; −1: none
 * @param queryKeyValue the three matrices that share the attention's input
 */
record CpuLayer(
    LayerSpec spec,
    LayerWeights weights,
    AttentionShape shape,
    KvCache cache,
    int rope,
    Matrix query,
    List<Matrix> keyValue,
    List<Matrix> queryKeyValue,
    Matrix output,
    CpuFeedForward feedForward) {

  static CpuLayer of(
      DecoderSpec model,
      LayerSpec spec,
      LayerWeights weights,
      KvCache cache,
      WeightPacking packing) {
    AttentionSpec attention = spec.attention();
    Matrix query = packing.of(weights.query().weight());
    Matrix key = packing.of(weights.key().weight());
    Matrix value = packing.of(weights.value().weight());
    return new CpuLayer(
        spec,
        weights,
        new AttentionShape(
            attention.heads(),
            attention.kvHeads(),
            attention.headSize(),
            attention.scale(),
            attention.softCap(),
            attention.window()),
        cache,
        attention.rope() == null ? -1 : model.ropes().indexOf(attention.rope()),
        query,
        List.of(key, value),
        List.of(query, key, value),
        packing.of(weights.output().weight()),
        CpuFeedForward.of(spec.feedForward(), weights.feedForward(), packing));
  }
}
