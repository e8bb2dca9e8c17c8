/**
 * What starts Quire, compiled for Java 8: finds a JVM that can run the rest, and its startup cache.
 */
@NullMarked
package dev.quire.cli.launcher;

import org.jspecify.annotations.NullMarked;
