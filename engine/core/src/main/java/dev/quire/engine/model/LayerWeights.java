package dev.quire.engine.model;

import org.jspecify.annotations.Nullable;

/**
 * One layer's weights. Norm weights are multiplied as they stand (files that store them less one
 * have had it added); null where the layer doesn't have the norm.
 *
 * @param query {@code [heads · headSize, hidden]}
 * @param key {@code [kvHeads · headSize, hidden]}
 * @param value {@code [kvHeads · headSize, hidden]}
 * @param output {@code [hidden, heads · headSize]}
 */
@SuppressWarnings("ArrayRecordComponent") // weights, never compared
public record LayerWeights(
    float @Nullable [] beforeAttention,
    float @Nullable [] afterAttention,
    float @Nullable [] beforeFeedForward,
    float @Nullable [] afterFeedForward,
    Projection query,
    Projection key,
    Projection value,
    Projection output,
    float @Nullable [] queryNorm,
    float @Nullable [] keyNorm,
    FeedForwardWeights feedForward) {}
