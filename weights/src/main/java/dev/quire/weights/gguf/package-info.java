/**
 * The GGUF container (versions 2 and 3): header, typed metadata, tensor directory, aligned data.
 *
 * <p>Source: the GGUF specification, <a
 * href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">ggml/docs/gguf.md</a>.
 */
@NullMarked
package dev.quire.weights.gguf;

import org.jspecify.annotations.NullMarked;
