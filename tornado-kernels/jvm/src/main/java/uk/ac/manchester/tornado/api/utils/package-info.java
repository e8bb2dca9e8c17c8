/** TornadoVM API names, executed on the JVM. Functions a kernel may call. */
@NullMarked
package uk.ac.manchester.tornado.api.utils;

import org.jspecify.annotations.NullMarked;
