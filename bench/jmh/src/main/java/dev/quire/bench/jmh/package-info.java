/** JMH benchmarks; they go into {@code bench/jmh/target/benchmarks.jar}. */
@NullMarked
package dev.quire.bench.jmh;

import org.jspecify.annotations.NullMarked;
