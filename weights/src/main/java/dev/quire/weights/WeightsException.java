package dev.quire.weights;

import java.nio.file.Path;

/**
 * A model file that can't be read, written or used. The message is one line: what was wrong, where
 * (file, offset, tensor or field) and what to do.
 */
public final class WeightsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public WeightsException(String message) {
    super(message);
  }

  public WeightsException(String message, Throwable cause) {
    super(message, cause);
  }

  /** A fault at a byte of a file. */
  public static WeightsException at(Path file, long offset, String message) {
    return new WeightsException(file + ": at byte " + offset + ": " + message);
  }

  /** A fault of a file as a whole, or of a field that the message names. */
  public static WeightsException in(Path file, String message) {
    return new WeightsException(file + ": " + message);
  }
}
