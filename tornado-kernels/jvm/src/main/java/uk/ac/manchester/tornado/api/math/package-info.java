/** TornadoVM API names, executed on the JVM. Functions a kernel may call. */
@NullMarked
package uk.ac.manchester.tornado.api.math;

import org.jspecify.annotations.NullMarked;
