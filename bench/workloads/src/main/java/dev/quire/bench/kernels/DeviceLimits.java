package dev.quire.bench.kernels;

/**
 * What the device was measured to do at most.
 *
 * @param copyBytesPerSecond of a plain copy, read and written
 * @param productOperationsPerSecond of cuBLAS's product of two 4096×4096 matrices of halves; 0
 *     where there is no cuBLAS
 * @param replayMicros an execution of a captured graph that does next to nothing; 0 where nothing
 *     is captured
 */
public record DeviceLimits(
    double copyBytesPerSecond, double productOperationsPerSecond, double replayMicros) {}
