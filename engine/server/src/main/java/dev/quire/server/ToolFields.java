package dev.quire.server;

import dev.quire.engine.constrain.ConstraintSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tools of a request and how they may be chosen.
 *
 * @param forTemplate descriptions for the template; null where the model is not to know of any
 * @param forced what the answer must be where a call is demanded; null otherwise
 */
record ToolFields(@Nullable List<Object> forTemplate, @Nullable ConstraintSpec forced) {
  private static final JsonMapper MAPPER = new JsonMapper();

  static ToolFields of(RequestBody body) {
    JsonNode tools = body.get("tools");
    JsonNode choice = body.get("tool_choice");
    if (tools == null || tools.isArray() && tools.isEmpty()) {
      if (choice != null
          && !choice.asString("").equals("none")
          && !choice.asString("").equals("auto")) {
        throw ApiException.invalid("tool_choice needs tools", "tool_choice");
      }
      return new ToolFields(null, null);
    }
    if (!tools.isArray()) {
      throw ApiException.invalid("tools must be an array", "tools");
    }
    List<JsonNode> functions = new ArrayList<>();
    List<Object> forTemplate = new ArrayList<>();
    for (JsonNode tool : tools) {
      // The responses API has the function's fields beside the type.
      JsonNode function = tool.has("function") ? tool.get("function") : tool;
      if (!tool.path("type").asString("").equals("function")
          || function.path("name").asString("").isEmpty()) {
        throw ApiException.invalid("every tool must be a function with a name", "tools");
      }
      functions.add(function);
      ObjectNode described = MAPPER.createObjectNode();
      described.put("type", "function");
      described.set("function", function);
      forTemplate.add(MAPPER.convertValue(described, Object.class));
    }
    if (choice == null || choice.asString("").equals("auto")) {
      return new ToolFields(forTemplate, null);
    }
    if (choice.asString("").equals("none")) {
      return new ToolFields(null, null);
    }
    if (choice.asString("").equals("required")) {
      return new ToolFields(forTemplate, forced(functions));
    }
    String name =
        choice.isObject()
            ? choice.path("function").path("name").asString(choice.path("name").asString(""))
            : "";
    List<JsonNode> named =
        functions.stream().filter(f -> f.path("name").asString("").equals(name)).toList();
    if (named.isEmpty()) {
      throw ApiException.invalid(
          "tool_choice must be auto, none, required or the name of one of the tools",
          "tool_choice");
    }
    return new ToolFields(forTemplate, forced(named));
  }

  /** A call of one of the functions: its name, and arguments that fit its parameters. */
  private static ConstraintSpec forced(List<JsonNode> functions) {
    ObjectNode schema = MAPPER.createObjectNode();
    ArrayNode alternatives = schema.putArray("anyOf");
    ObjectNode definitions = MAPPER.createObjectNode();
    for (JsonNode function : functions) {
      ObjectNode call = alternatives.addObject();
      call.put("type", "object");
      ObjectNode properties = call.putObject("properties");
      properties.putObject("name").set("const", function.get("name"));
      JsonNode parameters = function.get("parameters");
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
