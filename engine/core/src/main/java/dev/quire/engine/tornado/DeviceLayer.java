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
 * @param spec with the sizes on the device
 * @param queryKeyValue the three projections, one above the other
 * @param headEpsilon of the norms of queries and keys
 * @param frequencies of the rotary embedding, usual and stretched; one zero where there is none
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
    float headEpsilon,
    FloatArray frequencies,
    DeviceMatrix output,
    @Nullable FloatArray outputBias,
    FeedForward feedForward,
    HalfFloatArray keys,
    HalfFloatArray values) {

  /** The feed-forward part. */
  sealed interface FeedForward {
    /**
     * @param gateUp gate above up, or both interleaved, then without biases
     */
    record Dense(
        DeviceMatrix gateUp,
        boolean interleaved,
        @Nullable FloatArray gateUpBias,
        DeviceMatrix down,
        @Nullable FloatArray downBias)
        implements FeedForward {

      void addTo(List<TornadoNativeArray> all) {
        all.addAll(gateUp.arrays());
        all.addAll(down.arrays());
        if (gateUpBias != null) {
          all.add(gateUpBias);
        }
        if (downBias != null) {
          all.add(downBias);
        }
      }
    }

    /**
     * @param router [experts, hidden]
     * @param gateUp all experts' gates and ups, interleaved, one expert above the other
     * @param down all experts', one above the other
     * @param shared the network that every token passes, or null
     * @param sharedGate [hidden], with {@code shared}
     */
    record Experts(
        FloatArray router,
        DeviceMatrix gateUp,
        DeviceMatrix down,
        @Nullable Dense shared,
        @Nullable FloatArray sharedGate)
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
      case FeedForward.Dense dense -> dense.addTo(all);
      case FeedForward.Experts experts -> {
        all.add(experts.router());
        all.addAll(experts.gateUp().arrays());
        all.addAll(experts.down().arrays());
        FeedForward.Dense shared = experts.shared();
        FloatArray sharedGate = experts.sharedGate();
        if (shared != null && sharedGate != null) {
          shared.addTo(all);
          all.add(sharedGate);
        }
      }
    }
    return all;
  }
}
