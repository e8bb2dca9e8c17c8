/**
 * Runs steps through the kernels of {@code dev.quire.kernels}: compiled by TornadoVM on a GPU, or
 * executed on the JVM by our own implementation of TornadoVM's API.
 */
@NullMarked
package dev.quire.engine.tornado;

import org.jspecify.annotations.NullMarked;
