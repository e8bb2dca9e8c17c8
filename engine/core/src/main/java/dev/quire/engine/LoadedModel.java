package dev.quire.engine;

import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.weights.ModelFile;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A model on a device with a KV cache, and no engine around it: for measurements that bring their
 * own allocator and scheduler.
 *
 * @param blocks of each cache group
 * @param kvBytes that they take
 * @param maxTokens the longest sequence
 * @param device what computes, for people
 * @param release frees the file that the executor reads from
 */
public record LoadedModel(
    String name,
    DecoderSpec spec,
    ModelExecutor executor,
    int blocks,
    long kvBytes,
    int maxTokens,
    String device,
    Runnable release)
    implements AutoCloseable {

  /**
   * Loads a model.
   *
   * @param path null for the embedded one
   * @throws QuireException as {@link Engine#load}
   */
  public static LoadedModel load(@Nullable Path path, EngineOptions options) {
    ModelFile file = path == null ? EmbeddedModel.open() : ModelFile.open(path);
    try {
      return EngineLoader.model(file, options);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  @Override
  public void close() {
    executor.close();
    release.run();
  }
}
