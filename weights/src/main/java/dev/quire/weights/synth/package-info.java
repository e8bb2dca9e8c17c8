/** Models of random weights in the shapes of real ones, for measuring and testing. */
@NullMarked
package dev.quire.weights.synth;

import org.jspecify.annotations.NullMarked;
