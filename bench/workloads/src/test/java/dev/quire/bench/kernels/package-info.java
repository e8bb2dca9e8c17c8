@NullMarked
package dev.quire.bench.kernels;

import org.jspecify.annotations.NullMarked;
