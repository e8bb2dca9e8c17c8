/** TornadoVM API names, executed on the JVM. Failures. */
@NullMarked
package uk.ac.manchester.tornado.api.exceptions;

import org.jspecify.annotations.NullMarked;
