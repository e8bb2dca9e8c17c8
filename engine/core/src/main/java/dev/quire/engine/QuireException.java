package dev.quire.engine;

import org.jspecify.annotations.Nullable;

/** What the engine refuses or could not do, in one line that a user can act on. */
public final class QuireException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Whose move it is. */
  public enum Kind {
    /** The request or the options are wrong; sending them again will not help. */
    INVALID,
    /** The queue is full; the same request may be taken later. */
    OVERLOADED,
    /** The engine is closed. */
    CLOSED,
    /** The waiting thread was interrupted; its request was cancelled. */
    INTERRUPTED,
    /** The engine or the device failed while it worked. */
    FAILED
  }

  private final Kind kind;

  public QuireException(Kind kind, String message) {
    this(kind, message, null);
  }

  public QuireException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** A refusal of what was asked. */
  public static QuireException invalid(String message) {
    return new QuireException(Kind.INVALID, message);
  }

  public Kind kind() {
    return kind;
  }
}
