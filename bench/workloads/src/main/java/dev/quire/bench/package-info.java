/** Measured runs: what {@code quire bench} does, free of command lines and printing. */
@NullMarked
package dev.quire.bench;

import org.jspecify.annotations.NullMarked;
