package dev.quire.engine.tornado;

import dev.quire.engine.model.LayerSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * One layer's weights on the device; null where the layer doesn't have them.
 *
 * @param queryKeyValue the three projections, one above the other
 * @param frequencies of the rotary embedding; one zero where there is none
 * @param keys the layer's part of the cache, [blocks, kvHeads, blockSize, headSize]
 */
record DeviceLayer(
    LayerSpec spec,
    @Nullable FloatArray beforeAttention,
    @Nullable FloatArray afterAttention,
    @Nullable FloatArray beforeFeedForward,
    @Nullable FloatArray afterFeedForward,
    DeviceMatrix queryKeyValue,
    @Nullable FloatArray queryKeyValueBias,
    @Nullable FloatArray queryNorm,
    @Nullable FloatArray keyNorm,
    FloatArray frequencies,
    DeviceMatrix output,
    @Nullable FloatArray outputBias,
    FeedForward feedForward,
    HalfFloatArray keys,
    HalfFloatArray values) {

  /** The feed-forward part. */
  sealed interface FeedForward {
    /**
     * @param gateUp gate above up, or both interleaved
     */
    record Dense(DeviceMatrix gateUp, boolean interleaved, DeviceMatrix down)
        implements FeedForward {}

    /**
     * @param router outputs filled up to a multiple of 8
     * @param gateUp [experts, gate above up, inputs]
     * @param down [experts, hidden, inner]
     */
    record Experts(DeviceMatrix router, HalfFloatArray gateUp, HalfFloatArray down)
        implements FeedForward {}
  }

  /** What is sent to the device. */
  List<TornadoNativeArray> weights() {
    List<TornadoNativeArray> all = new ArrayList<>();
    Stream.of(
            beforeAttention,
            afterAttention,
            beforeFeedForward,
            afterFeedForward,
            queryKeyValueBias,
            queryNorm,
            keyNorm,
            outputBias)
        .forEach(
            vector -> {
              if (vector != null) {
                all.add(vector);
              }
            });
    all.add(frequencies);
    all.addAll(queryKeyValue.arrays());
    all.addAll(output.arrays());
    switch (feedForward) {
      case FeedForward.Dense dense -> {
        all.addAll(dense.gateUp().arrays());
        all.addAll(dense.down().arrays());
      }
      case FeedForward.Experts experts -> {
        all.addAll(experts.router().arrays());
        all.add(experts.gateUp());
        all.add(experts.down());
      }
    }
    return all;
  }
}
