package dev.quire.engine.chat;

import dev.quire.engine.constrain.ConstraintSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A call of a function that a model wrote.
 *
 * @param arguments the text of a JSON object
 */
public record ToolCall(String name, String arguments) {
  private static final JsonMapper MAPPER = new JsonMapper();

  /**
   * A function that may be called.
   *
   * @param parameters the JSON schema of its arguments; null where it takes none
   */
  public record Function(String name, @Nullable JsonNode parameters) {}

  /** A text that is a call of one of the functions: its name, and arguments that fit. */
  public static ConstraintSpec required(List<Function> functions) {
    ObjectNode schema = MAPPER.createObjectNode();
    ArrayNode alternatives = schema.putArray("anyOf");
    ObjectNode definitions = MAPPER.createObjectNode();
    for (Function function : functions) {
      ObjectNode call = alternatives.addObject();
      call.put("type", "object");
      ObjectNode properties = call.putObject("properties");
      properties.putObject("name").put("const", function.name());
      JsonNode parameters = function.parameters();
      if (parameters == null || parameters.isNull() || parameters.isEmpty()) {
        ObjectNode nothing = properties.putObject("arguments");
        nothing.put("type", "object");
        nothing.put("additionalProperties", false);
        nothing.putObject("properties");
      } else {
        properties.set("arguments", parameters);
        parameters
            .path("$defs")
            .properties()
            .forEach(d -> definitions.set(d.getKey(), d.getValue()));
      }
      call.putArray("required").add("name").add("arguments");
    }
    if (!definitions.isEmpty()) {
      schema.set("$defs", definitions);
    }
    return new ConstraintSpec.JsonSchema(schema.toString());
  }
}
