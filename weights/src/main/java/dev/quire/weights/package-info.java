@NullMarked
package dev.quire.weights;

import org.jspecify.annotations.NullMarked;
