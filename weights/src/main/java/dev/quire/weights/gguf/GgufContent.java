package dev.quire.weights.gguf;

import dev.quire.weights.tensor.Tensor;
import java.util.Map;

/**
 * What one GGUF file holds.
 *
 * @param version of the format
 * @param alignment of the tensor data, bytes
 * @param tensors by name, in the file's order; views of the file's bytes
 */
public record GgufContent(
    int version, int alignment, Metadata metadata, Map<String, Tensor> tensors) {}
