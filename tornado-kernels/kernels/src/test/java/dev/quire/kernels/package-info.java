@NullMarked
package dev.quire.kernels;

import org.jspecify.annotations.NullMarked;
