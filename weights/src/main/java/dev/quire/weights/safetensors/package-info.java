/**
 * The safetensors container: a JSON directory followed by the tensors' bytes.
 *
 * <p>Source: <a href="https://github.com/huggingface/safetensors#format">the format's
 * description</a>.
 */
@NullMarked
package dev.quire.weights.safetensors;

import org.jspecify.annotations.NullMarked;
