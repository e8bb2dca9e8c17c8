package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A GPU's name and memory, as its driver's tool tells them. */
public record GpuDevice(String name, long totalBytes, long freeBytes) {
  private static final long MEBIBYTE = 1L << 20;

  /** What the driver, the compiled kernels and the captured graphs take besides. */
  public static final long RUNTIME = 1L << 30;

  private static final String CAP = "tornado.device.memory";

  /**
   * Asks {@code nvidia-smi}; where there is none, takes what TornadoVM was told to use.
   *
   * @throws QuireException if neither says anything
   */
  public static GpuDevice query() {
    GpuDevice device = ask();
    if (device != null) {
      return device;
    }
    String cap = System.getProperty(CAP, "");
    long bytes = bytes(cap);
    if (bytes > 0) {
      return new GpuDevice("GPU of unknown name", bytes, bytes);
    }
    throw QuireException.invalid(
        driverRuns()
            ? "no nvidia-smi tells the GPU's memory; say it with QUIRE_JAVA_OPTS=-D" + CAP + "=80GB"
            : "--device gpu: no NVIDIA driver is running here (no /dev/nvidiactl, no nvidia-smi);"
                + " --device cpu needs none");
  }

  /** Whether an NVIDIA driver is loaded. */
  public static boolean driverRuns() {
    return Files.exists(Path.of("/dev/nvidiactl"))
        || Files.exists(Path.of("/proc/driver/nvidia/version"))
        || Files.exists(Path.of("/usr/lib/wsl/lib/libcuda.so.1")); // Windows' driver, within WSL
  }

  /** What is free of the GPU's memory at this moment, for people; empty if nobody tells it. */
  static String freeNow() {
    GpuDevice device = ask();
    return device == null
        ? ""
        : String.format(Locale.ROOT, " (%.2f GiB stay free)", device.freeBytes() / 0x1p30);
  }

  /**
   * Bytes that may be used of the device: those that TornadoVM was told, at most those that there
   * are, less what the driver takes itself; 0 if nobody tells.
   */
  static long available() {
    long told = bytes(System.getProperty(CAP, ""));
    GpuDevice device = TornadoExecutor.onTornadoVm() ? ask() : null;
    if (device == null) {
      return told;
    }
    long there = device.totalBytes() - RUNTIME;
    return told > 0 ? Math.min(told, there) : there;
  }

  private static @Nullable GpuDevice ask() {
    try {
      Process process =
          new ProcessBuilder(
                  "nvidia-smi",
                  "--query-gpu=memory.total,memory.free,name",
                  "--format=csv,noheader,nounits")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
        return null;
      }
      String[] fields = text.lines().findFirst().orElse("").split(",", 3);
      return fields.length < 3
          ? null
          : new GpuDevice(
              fields[2].strip(),
              Long.parseLong(fields[0].strip()) * MEBIBYTE,
              Long.parseLong(fields[1].strip()) * MEBIBYTE);
    } catch (IOException | NumberFormatException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  /** The bytes of a text such as 80GB or 512MB; 0 if it is none. */
  private static long bytes(String text) {
    String digits = text.replaceFirst("[A-Za-z]+$", "");
    try {
      long number = Long.parseLong(digits);
      return switch (text.substring(digits.length())) {
        case "GB" -> number << 30;
        case "MB" -> number << 20;
        case "KB" -> number << 10;
        default -> number;
      };
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
