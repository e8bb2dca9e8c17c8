/** TornadoVM API names, executed on the JVM. Kernel function types. */
@NullMarked
package uk.ac.manchester.tornado.api.common;

import org.jspecify.annotations.NullMarked;
