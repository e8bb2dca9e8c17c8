/** Rewrites models with another tensor type. */
@NullMarked
package dev.quire.weights.quantize;

import org.jspecify.annotations.NullMarked;
