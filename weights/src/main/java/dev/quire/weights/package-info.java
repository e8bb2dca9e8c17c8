/**
 * Model files as they are found on disk: GGUF files and Hugging Face folders, both seen as named
 * tensors over mapped memory.
 */
@NullMarked
package dev.quire.weights;

import org.jspecify.annotations.NullMarked;
