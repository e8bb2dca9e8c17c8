package dev.quire.server;

import dev.quire.engine.Engine;
import java.time.Instant;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What clients call the model.
 *
 * @param created when the server was started, in seconds since 1970
 */
record ModelNames(String name, int maxModelLen, long created) {
  static ModelNames of(Engine engine, String name) {
    return new ModelNames(name, engine.info().maxModelLen(), Instant.now().getEpochSecond());
  }

  /** The model's name; refuses a request for another. */
  String check(RequestBody body) {
    JsonNode model = body.get("model");
    if (model != null && !model.isString()) {
      throw ApiException.invalid("model must be a string", "model");
    }
    if (model != null && !model.stringValue().equals(name)) {
      throw missing(model.stringValue());
    }
    return name;
  }

  private ApiException missing(String asked) {
    return new ApiException(
        404,
        "invalid_request_error",
        "the model '" + asked + "' does not exist; this server has '" + name + "'",
        "model",
        "model_not_found");
  }

  ObjectNode list() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("object", "list");
    root.putArray("data").add(describe());
    return root;
  }

  ObjectNode one(String asked) {
    if (!asked.equals(name)) {
      throw missing(asked);
    }
    return describe();
  }

  private ObjectNode describe() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("id", name)
        .put("object", "model")
        .put("created", created)
        .put("owned_by", "quire")
        .put("max_model_len", maxModelLen);
  }
}
