/**
 * Every GPU kernel, as a Java method on TornadoVM's API. A class holds the kernel, the shape of its
 * launch and a plain reference of the same mathematics.
 */
@NullMarked
package dev.quire.kernels;

import org.jspecify.annotations.NullMarked;
