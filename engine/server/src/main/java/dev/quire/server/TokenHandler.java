package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.Prompt;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.TokenizerException;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /tokenize} and {@code /detokenize}, as vLLM has them. */
final class TokenHandler {
  private final Engine engine;
  private final ChatFormat format;

  TokenHandler(Engine engine, ChatFormat format) {
    this.engine = engine;
    this.format = format;
  }

  void tokenize(Call call) {
    RequestBody body = call.body();
    int[] ids;
    if (body.get("messages") != null) {
      var conversation =
          new ChatFormat.Conversation(
              ChatMessages.of(body, "messages"),
              ToolFields.of(body).forTemplate(),
              ChatMessages.templateVariables(body));
      ids = ids(rendered(conversation));
    } else {
      ids =
          engine
              .tokenizer()
              .encode(body.string("prompt"), body.flag("add_special_tokens", true), false);
    }
    ObjectNode json = new JsonMapper().createObjectNode();
    json.put("count", ids.length);
    json.put("max_model_len", engine.info().maxModelLen());
    ArrayNode tokens = json.putArray("tokens");
    for (int id : ids) {
      tokens.add(id);
    }
    call.send(json);
  }

  private Prompt rendered(ChatFormat.Conversation conversation) {
    try {
      return format.render(conversation);
    } catch (RuntimeException | StackOverflowError e) {
      throw ApiException.invalid("the chat template refuses: " + e.getMessage(), "messages");
    }
  }

  private int[] ids(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Text(String text, boolean special, boolean parse) ->
          engine.tokenizer().encode(text, special, parse);
      case Prompt.Tokens(List<Integer> ids) -> ids.stream().mapToInt(i -> i).toArray();
    };
  }

  void detokenize(Call call) {
    RequestBody body = call.body();
    JsonNode tokens = body.get("tokens");
    if (tokens == null || !tokens.isArray()) {
      throw ApiException.invalid("tokens must be an array of token ids", "tokens");
    }
    int[] ids = new int[tokens.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!tokens.get(i).isInt()) {
        throw ApiException.invalid("tokens must be an array of token ids", "tokens");
      }
      ids[i] = tokens.get(i).intValue();
    }
    Tokenizer tokenizer = engine.tokenizer();
    try {
      ObjectNode json = new JsonMapper().createObjectNode();
      json.put("prompt", tokenizer.decode(ids, false));
      call.send(json);
    } catch (TokenizerException e) {
      throw ApiException.invalid(String.valueOf(e.getMessage()), "tokens");
    }
  }
}
