package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.ModelInfo;
import dev.quire.engine.ModelReading;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Loads the model that the options name, and says what was taken and why. */
final class ModelOpener {
  private ModelOpener() {}

  static Engine open(Console console, ModelOptions model, ServingOptions serving) {
    return open(console, model, ServingOptions.checked(serving.toEngineOptions(model)));
  }

  /** For a command that never has more than so many sequences. */
  static Engine open(Console console, ModelOptions model, ServingOptions serving, int sequences) {
    return open(console, model, ServingOptions.checked(serving.toEngineOptions(model, sequences)));
  }

  static Engine open(Console console, ModelOptions model, EngineOptions options) {
    Path path = fetched(console, model.model());
    if (path == null) {
      console.say("no -m MODEL given: using the small embedded model");
    }
    if (path != null) {
      WeightReading.show(console, path);
    }
    EngineOptions told = options.withSay(console::say);
    Engine engine = path == null ? Engine.loadEmbedded(told) : load(path, told);
    ModelInfo info = engine.info();
    console.say("device: " + info.device());
    console.say(context(info));
    return engine;
  }

  private static Engine load(Path path, EngineOptions options) {
    try (ModelReading reading = HeadStart.take(path)) {
      return reading == null ? Engine.load(path, options) : Engine.load(reading, options);
    }
  }

  /** A model named hf:owner/name comes from the hub, as far as it is not in the cache. */
  private static @Nullable Path fetched(Console console, @Nullable Path path) {
    if (path == null || !path.toString().startsWith("hf:")) {
      return path;
    }
    try {
      return PullCommand.fetch(console, path.toString());
    } catch (IOException e) {
      throw new Failure(path + ": " + e.getMessage());
    }
  }

  /** One line on the context length that holds, and on what decided it. */
  static String context(ModelInfo info) {
    String why =
        info.maxModelLen() == info.trainedContext()
            ? "the model's own"
            : "the model's own is " + info.trainedContext();
    return String.format(
        Locale.ROOT,
        "context: %d tokens (%s); KV cache: %d %s of %d tokens, %.1f MiB",
        info.maxModelLen(),
        why,
        info.kvBlocks(),
        info.kvBlocks() == 1 ? "block" : "blocks",
        info.blockSize(),
        info.kvCacheBytes() / 1048576.0);
  }
}
