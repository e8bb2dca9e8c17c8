package dev.quire.weights;

import dev.quire.weights.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * A model as it is found on disk. Its tensors are views of mapped files: they live until {@link
 * #close}, and may be read from any thread.
 */
public sealed interface ModelFile extends AutoCloseable permits GgufFile, HuggingFaceFolder {

  /**
   * Opens a GGUF file (of split files, the first) or a Hugging Face folder.
   *
   * @throws WeightsException if there is neither, or it isn't sound
   */
  static ModelFile open(Path path) {
    if (Files.isDirectory(path)) {
      return HuggingFaceFolder.open(path);
    }
    if (path.getFileName() != null && path.getFileName().toString().endsWith(".safetensors")) {
      throw WeightsException.in(
          path, "one safetensors file is no model; name the folder with its config.json");
    }
    return GgufFile.open(path);
  }

  /** What was opened. */
  Path path();

  /** All tensors, in the file's order. */
  Collection<Tensor> tensors();

  /** The tensor of a name, if there is one. */
  @Nullable Tensor tensor(String name);

  @Override
  void close();
}
