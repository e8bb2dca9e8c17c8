/** TornadoVM API names, executed on the JVM. Off-heap arrays. */
@NullMarked
package uk.ac.manchester.tornado.api.types.arrays;

import org.jspecify.annotations.NullMarked;
