package dev.quire.engine.cpu.math;

/** Which implementation of the arithmetic to use. All of them give the same bits. */
public enum VectorWidth {
  /** The widest that the machine has, scalar until the vector code is compiled. */
  AUTO,
  /** No vector instructions asked for: plain loops. */
  SCALAR,
  /** Vectors of 256 bits. */
  BITS_256,
  /** Vectors of 512 bits. */
  BITS_512
}
