package dev.quire.tornado.jvm;

/** A kernel or a task graph did what a device would not forgive. The message says who and where. */
public final class KernelFault extends RuntimeException {
  private static final long serialVersionUID = 1L;

  KernelFault(String message) {
    super(message);
  }

  KernelFault(String message, Throwable cause) {
    super(message, cause);
  }
}
