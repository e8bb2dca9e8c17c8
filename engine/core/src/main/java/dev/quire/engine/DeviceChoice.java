package dev.quire.engine;

import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.tornado.GpuDevice;
import dev.quire.engine.tornado.TornadoExecutor;
import org.jspecify.annotations.Nullable;

/**
 * What computes, and why.
 *
 * @param reason for people, in front of the device's own description; empty where the device was
 *     asked for by name
 */
record DeviceChoice(Kind kind, String reason) {
  enum Kind {
    CPU,
    GPU,
    /** The GPU's kernels, executed on the JVM. */
    JVM
  }

  /**
   * @param device as {@link EngineOptions#device()} has it
   * @throws QuireException if a GPU is asked for and can't be used
   */
  static DeviceChoice of(String device, DecoderSpec spec) {
    boolean tornado = TornadoExecutor.onTornadoVm();
    return switch (device) {
      case "cpu" -> new DeviceChoice(Kind.CPU, "");
      case "jvm" -> {
        if (tornado) {
          throw QuireException.invalid(
              "--device jvm runs without TornadoVM: start without TORNADOVM_HOME");
        }
        yield new DeviceChoice(Kind.JVM, "");
      }
      case "gpu" -> {
        if (!tornado) {
          throw QuireException.invalid("--device gpu: " + missing() + "; " + REMEDY);
        }
        yield new DeviceChoice(Kind.GPU, "");
      }
      default -> auto(tornado, TornadoExecutor.refusal(spec));
    };
  }

  private static DeviceChoice auto(boolean tornado, @Nullable String refusal) {
    if (!tornado) {
      return new DeviceChoice(Kind.CPU, "auto took the CPU: " + missing() + ": ");
    }
    return refusal == null
        ? new DeviceChoice(Kind.GPU, "auto took the GPU: TornadoVM is there: ")
        : new DeviceChoice(Kind.CPU, "auto took the CPU: " + refusal + ": ");
  }

  private static final String REMEDY =
      "point it to TornadoVM's SDK and start the jar or its launcher, which add what it needs";

  private static String missing() {
    if (System.getenv().getOrDefault("TORNADOVM_HOME", "").isEmpty()) {
      return "TORNADOVM_HOME is not set";
    }
    return GpuDevice.driverRuns()
        ? "this JVM was started without TornadoVM's modules"
        : "TORNADOVM_HOME is set, but no NVIDIA driver is running here";
  }
}
