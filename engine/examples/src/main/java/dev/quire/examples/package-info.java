/** Small programs that use the engine; each is run by a test. */
@NullMarked
package dev.quire.examples;

import org.jspecify.annotations.NullMarked;
