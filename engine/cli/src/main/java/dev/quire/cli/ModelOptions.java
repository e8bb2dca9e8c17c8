package dev.quire.cli;

import dev.quire.cli.launcher.StartupCache;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model, and what computes it. */
final class ModelOptions {
  private static final List<String> KV_CACHE_TYPES = List.of("auto", "f32", "f16", "bf16", "q8_0");

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
      description = "Worker threads of the CPU executor (default: 0, every core).")
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

  @Option(
      names = "--kv-cache-dtype",
      paramLabel = "TYPE",
      defaultValue = "auto",
      description =
          "How keys and values are held: f32, f16, bf16, q8_0 or auto (default: auto, which is f32"
              + " on the CPU; a GPU has f16 alone).")
  private String kvCacheType = "auto";

  @Option(
      names = "--weight-cache",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description =
          "Keep the weights as the CPU wants them in the cache folder, for a faster next start"
              + " (default: on).")
  private boolean weightCache = true;

  @Nullable Path model() {
    return model;
  }

  int threads() {
    if (threads < 0) {
      throw new UsageError("--threads must be at least 1, or 0 for every core; it is " + threads);
    }
    return threads;
  }

  Device device() {
    return device;
  }

  String kvCacheType() {
    String type = kvCacheType.toLowerCase(Locale.ROOT);
    if (!KV_CACHE_TYPES.contains(type)) {
      throw new UsageError(
          "--kv-cache-dtype must be f32, f16, bf16, q8_0 or auto; it is " + kvCacheType);
    }
    return type;
  }

  /** The folder of laid-out weights; null for none. */
  @Nullable Path weightCache() {
    File folder = weightCache ? StartupCache.folder() : null;
    return folder == null ? null : folder.toPath();
  }

  boolean exact() {
    return exact;
  }
}
