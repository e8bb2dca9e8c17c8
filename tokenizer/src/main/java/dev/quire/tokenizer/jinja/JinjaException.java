package dev.quire.tokenizer.jinja;

/** A template that is malformed, fails, or exceeds its bounds; or one that raises an error. */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public JinjaException(String message) {
    super(message);
  }
}
