/**
 * Runs steps on the CPU: {@link dev.quire.engine.cpu.CpuExecutor} over the loops of {@code
 * cpu.math}.
 */
@NullMarked
package dev.quire.engine.cpu;

import org.jspecify.annotations.NullMarked;
