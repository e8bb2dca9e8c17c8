package dev.quire.engine.model;

import dev.quire.weights.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer, {@code weight · x + bias}.
 *
 * @param weight {@code [outputs, inputs]}
 * @param bias {@code [outputs]}, or null
 */
@SuppressWarnings("ArrayRecordComponent") // weights, never compared
public record Projection(Tensor weight, float @Nullable [] bias) {}
