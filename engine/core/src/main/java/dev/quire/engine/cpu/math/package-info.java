/**
 * The arithmetic of the CPU executor: matrix products, attention over block tables, and the
 * element-wise parts of a transformer layer.
 *
 * <p>Every sum has one order, fixed by the length of the sum alone: by fused multiply-adds one
 * after the other, or as sixteen partial sums, of which number {@code l} takes the terms {@code l,
 * l + 16, l + 32, …}, put together as a tree. Batch size, threads, chunks, cache blocks and the
 * width of the machine's vectors change who computes a sum and when, never its bits. So the scalar
 * implementation is not only the reference: it may stand in for a vector one at any time.
 */
@NullMarked
package dev.quire.engine.cpu.math;

import org.jspecify.annotations.NullMarked;
