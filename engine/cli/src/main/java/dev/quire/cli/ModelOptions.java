package dev.quire.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model, and what computes it. */
final class ModelOptions {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "A GGUF file, a Hugging Face model folder, or hf:owner/name for one of the hub; without"
              + " it, the small embedded model.")
  private @Nullable Path model;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Worker threads of the CPU executor (default: every core).")
  private int threads;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "What computes: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Device device = Device.AUTO;

  @Option(
      names = "--exact",
      description = "Keep activations in full precision in products with quantised weights.")
  private boolean exact;

  @Nullable Path model() {
    return model;
  }

  int threads() {
    if (threads < 0) {
      throw new UsageError("--threads must be at least 1; it is " + threads);
    }
    return threads;
  }

  Device device() {
    return device;
  }

  boolean exact() {
    return exact;
  }
}
