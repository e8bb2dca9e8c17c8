package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.TokenizerException;
import io.helidon.webserver.http.ServerResponse;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /tokenize} and {@code /detokenize}, as vLLM has them. */
final class TokenHandler {
  private final Engine engine;

  TokenHandler(Engine engine) {
    this.engine = engine;
  }

  void tokenize(RequestBody body, ServerResponse response) {
    int[] ids =
        engine
            .tokenizer()
            .encode(body.string("prompt"), body.flag("add_special_tokens", true), false);
    ObjectNode json = new JsonMapper().createObjectNode();
    json.put("count", ids.length);
    json.put("max_model_len", engine.info().maxModelLen());
    ArrayNode tokens = json.putArray("tokens");
    for (int id : ids) {
      tokens.add(id);
    }
    QuireServer.sendJson(response, json);
  }

  void detokenize(RequestBody body, ServerResponse response) {
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
      QuireServer.sendJson(response, json);
    } catch (TokenizerException e) {
      throw ApiException.invalid(String.valueOf(e.getMessage()), "tokens");
    }
  }
}
