/**
 * Executes TornadoVM task graphs on the JVM: work groups, barriers, local memory, warps, matrix
 * fragments, and device memory that is separate from the host's.
 */
@NullMarked
package dev.quire.tornado.jvm;

import org.jspecify.annotations.NullMarked;
