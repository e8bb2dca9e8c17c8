/**
 * The memory manager of the KV cache: block pools, block tables, reference counts, copy-on-write,
 * the prefix cache, swapping, and the reservation schemes that PagedAttention is compared with.
 *
 * <p>Knows tokens, blocks and reference counts; nothing of tensors, models or threads. Every object
 * here belongs to one thread at a time.
 */
@NullMarked
package dev.quire.paging;

import org.jspecify.annotations.NullMarked;
