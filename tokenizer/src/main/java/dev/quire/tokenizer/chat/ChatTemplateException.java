package dev.quire.tokenizer.chat;

/** A chat template that is malformed or refuses a conversation; the message is the template's. */
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ChatTemplateException(String message, Throwable cause) {
    super(message, cause);
  }
}
