package dev.quire.server;

import tools.jackson.databind.node.ObjectNode;

/** Where the two endpoints' answers differ. */
sealed interface CompletionShape {
  String idPrefix();

  String object(boolean chunk);

  /** Puts a sample's whole text into its choice. */
  void whole(ObjectNode choice, String text);

  /** Puts a piece of text into a chunk's choice. */
  void piece(ObjectNode choice, String text);

  /** {@code /v1/completions}. */
  record Text() implements CompletionShape {
    @Override
    public String idPrefix() {
      return "cmpl-";
    }

    @Override
    public String object(boolean chunk) {
      return "text_completion";
    }

    @Override
    public void whole(ObjectNode choice, String text) {
      choice.put("text", text);
    }

    @Override
    public void piece(ObjectNode choice, String text) {
      choice.put("text", text);
    }
  }

  /** {@code /v1/chat/completions}. */
  record Chat() implements CompletionShape {
    @Override
    public String idPrefix() {
      return "chatcmpl-";
    }

    @Override
    public String object(boolean chunk) {
      return chunk ? "chat.completion.chunk" : "chat.completion";
    }

    @Override
    public void whole(ObjectNode choice, String text) {
      choice.putObject("message").put("role", "assistant").put("content", text);
    }

    @Override
    public void piece(ObjectNode choice, String text) {
      ObjectNode delta = choice.putObject("delta");
      if (!text.isEmpty()) {
        delta.put("content", text);
      }
    }
  }
}
