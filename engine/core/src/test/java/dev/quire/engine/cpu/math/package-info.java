@NullMarked
package dev.quire.engine.cpu.math;

import org.jspecify.annotations.NullMarked;
