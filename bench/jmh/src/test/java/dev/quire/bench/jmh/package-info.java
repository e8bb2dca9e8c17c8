@NullMarked
package dev.quire.bench.jmh;

import org.jspecify.annotations.NullMarked;
