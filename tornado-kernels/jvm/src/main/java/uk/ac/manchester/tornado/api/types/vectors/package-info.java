/** TornadoVM API names, executed on the JVM. Packed pairs. */
@NullMarked
package uk.ac.manchester.tornado.api.types.vectors;

import org.jspecify.annotations.NullMarked;
