/**
 * The evaluation of Kwon et al., "Efficient Memory Management for Large Language Model Serving with
 * PagedAttention" (SOSP 2023), run again: the engine's own scheduler and allocators over traces
 * like the paper's, in simulated time.
 */
@NullMarked
package dev.quire.bench.paper;

import org.jspecify.annotations.NullMarked;
