/**
 * TornadoVM API names, executed on the JVM. Task graphs, execution plans, grids and the kernel
 * context.
 */
@NullMarked
package uk.ac.manchester.tornado.api;

import org.jspecify.annotations.NullMarked;
