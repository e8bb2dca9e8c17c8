/** TornadoVM API names, executed on the JVM. Modes and shapes. */
@NullMarked
package uk.ac.manchester.tornado.api.enums;

import org.jspecify.annotations.NullMarked;
