/** Tensors, their element types and the codecs between a type's blocks and floats. */
@NullMarked
package dev.quire.weights.tensor;

import org.jspecify.annotations.NullMarked;
