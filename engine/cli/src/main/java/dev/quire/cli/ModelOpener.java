package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.ModelInfo;
import java.nio.file.Path;
import java.util.Locale;

/** Loads the model that the options name, and says what was taken and why. */
final class ModelOpener {
  private ModelOpener() {}

  static Engine open(Console console, ModelOptions model, ServingOptions serving) {
    return open(console, model, ServingOptions.checked(serving.toEngineOptions(model)));
  }

  static Engine open(Console console, ModelOptions model, EngineOptions options) {
    refuseMissingDevices(model.device());
    Path path = model.model();
    if (path == null) {
      console.say("no -m MODEL given: using the small embedded model");
    }
    Engine engine = path == null ? Engine.loadEmbedded(options) : Engine.load(path, options);
    ModelInfo info = engine.info();
    console.say(
        (model.device() == Device.AUTO
                ? "device auto: took the CPU, there is no GPU executor in" + " this build: "
                : "device: ")
            + info.device());
    console.say(context(info));
    return engine;
  }

  /** One line on the context length that holds, and on what decided it. */
  static String context(ModelInfo info) {
    String why =
        info.maxModelLen() == info.trainedContext()
            ? "the model's own"
            : "the model's own is " + info.trainedContext();
    return String.format(
        Locale.ROOT,
        "context: %d tokens (%s); KV cache: %d blocks of %d tokens, %.1f MiB",
        info.maxModelLen(),
        why,
        info.kvBlocks(),
        info.blockSize(),
        info.kvCacheBytes() / 1048576.0);
  }

  private static void refuseMissingDevices(Device device) {
    switch (device) {
      case GPU ->
          throw new Failure(
              "--device gpu: this build has no executor for GPUs; --device cpu computes without");
      case JVM ->
          throw new Failure(
              "--device jvm: this build has no executor that runs the GPU kernels on the JVM;"
                  + " --device cpu computes without them");
      case AUTO, CPU -> {
        // The CPU executor is always there.
      }
    }
  }
}
