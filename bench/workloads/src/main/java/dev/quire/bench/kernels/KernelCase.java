package dev.quire.bench.kernels;

import java.util.function.Supplier;

/**
 * A kernel at one shape.
 *
 * @param kernel the kernel, or the chain of kernels that does its work
 * @param shape as people write it
 * @param bytes that it must move to and from the device's memory at least
 * @param operations floating-point operations that it must do, a multiplication and an addition
 *     counted as two
 * @param work makes its arrays and launches
 */
public record KernelCase(
    String kernel, String shape, double bytes, double operations, Supplier<KernelWork> work) {
  /** How it is chosen on the command line. */
  public String name() {
    return kernel + " " + shape;
  }
}
