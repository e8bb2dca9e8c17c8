package dev.quire.engine.cpu.math;

/** Which implementation of the arithmetic to use. All of them give the same bits. */
public enum VectorWidth {
  /** The fastest that machine and JVM allow; scalar until its vector code is compiled. */
  AUTO,
  /** Plain loops. */
  SCALAR,
  /** Vectors from the first call on, compiled or not. */
  VECTOR
}
