/** TornadoVM API names, executed on the JVM. Scalar element types. */
@NullMarked
package uk.ac.manchester.tornado.api.types;

import org.jspecify.annotations.NullMarked;
