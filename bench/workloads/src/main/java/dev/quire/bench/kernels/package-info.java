/**
 * What the kernels reach, one by one, beside their siblings.
 *
 * <p>To add a variant of a kernel, add a {@link dev.quire.bench.kernels.KernelCase} to the class
 * that has its siblings ({@link dev.quire.bench.kernels.ProductCases}, {@link
 * dev.quire.bench.kernels.AttentionCases}, {@link dev.quire.bench.kernels.RowCases}): its name, its
 * shape, the bytes and operations that the mathematics needs (not those that the variant spends),
 * and a {@link dev.quire.bench.kernels.KernelWork} with its arrays, its launches and a check of its
 * result. A kernel that only serves as a sibling stands in this package.
 */
@NullMarked
package dev.quire.bench.kernels;

import org.jspecify.annotations.NullMarked;
