package dev.quire.tokenizer.chat;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a chat template renders. Values are JSON-like: null, Boolean, Number, String, List and Map
 * with string keys, in the order they should be written.
 *
 * @param messages each with {@code role} and, mostly, {@code content}
 * @param tools function descriptions; null where there are none
 * @param addGenerationPrompt whether the text ends with the start of the assistant's turn
 * @param bosToken spelling of the BOS token, empty if the vocabulary has none
 * @param eosToken spelling of the EOS token
 * @param now the time that templates may print
 * @param extra further variables, such as {@code enable_thinking}
 */
public record ChatRequest(
    List<? extends Map<String, ? extends @Nullable Object>> messages,
    @Nullable List<?> tools,
    boolean addGenerationPrompt,
    String bosToken,
    String eosToken,
    LocalDateTime now,
    Map<String, ? extends @Nullable Object> extra) {

  /** A conversation without tools, at the present time here. */
  public static ChatRequest of(
      List<? extends Map<String, ? extends @Nullable Object>> messages,
      boolean addGenerationPrompt,
      String bosToken,
      String eosToken) {
    return new ChatRequest(
        messages,
        null,
        addGenerationPrompt,
        bosToken,
        eosToken,
        LocalDateTime.now(ZoneId.systemDefault()),
        Map.of());
  }
}
