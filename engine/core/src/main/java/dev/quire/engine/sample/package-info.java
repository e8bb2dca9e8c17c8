/** From a row of logits to a token: penalties, masks, truncations, counter-based randomness. */
@NullMarked
package dev.quire.engine.sample;

import org.jspecify.annotations.NullMarked;
