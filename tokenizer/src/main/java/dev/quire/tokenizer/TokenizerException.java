package dev.quire.tokenizer;

/** A vocabulary that cannot be used: says what is wrong, in which file or field, and what to do. */
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TokenizerException(String message) {
    super(message);
  }

  public TokenizerException(String message, Throwable cause) {
    super(message, cause);
  }
}
