package dev.quire.server;

import dev.quire.engine.chat.ToolCall;
import dev.quire.engine.constrain.ConstraintSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
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
    if (tools == null || (tools.isArray() && tools.isEmpty())) {
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
    List<ToolCall.Function> functions = new ArrayList<>();
    List<Object> forTemplate = new ArrayList<>();
    for (JsonNode tool : tools) {
      // The responses API has the function's fields beside the type.
      JsonNode function = tool.has("function") ? tool.get("function") : tool;
      if (!tool.path("type").asString("").equals("function")
          || function.path("name").asString("").isEmpty()) {
        throw ApiException.invalid("every tool must be a function with a name", "tools");
      }
      functions.add(
          new ToolCall.Function(function.path("name").asString(""), function.get("parameters")));
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
      return new ToolFields(forTemplate, ToolCall.required(functions));
    }
    if (choice.path("type").asString("").equals("allowed_tools")) {
      return allowed(choice, functions, forTemplate);
    }
    String name =
        choice.isObject()
            ? choice.path("function").path("name").asString(choice.path("name").asString(""))
            : "";
    List<ToolCall.Function> named = functions.stream().filter(f -> f.name().equals(name)).toList();
    if (named.isEmpty()) {
      throw ApiException.invalid(
          "tool_choice must be auto, none, required or the name of one of the tools",
          "tool_choice");
    }
    return new ToolFields(forTemplate, ToolCall.required(named));
  }

  /** OpenAI's choice among some of the tools; the others are still described to the model. */
  private static ToolFields allowed(
      JsonNode choice, List<ToolCall.Function> functions, List<Object> forTemplate) {
    // The chat API has the fields one level down.
    JsonNode allowed = choice.has("allowed_tools") ? choice.get("allowed_tools") : choice;
    List<String> names = new ArrayList<>();
    for (JsonNode tool : allowed.path("tools")) {
      names.add(tool.path("function").path("name").asString(tool.path("name").asString("")));
    }
    List<ToolCall.Function> some =
        functions.stream().filter(f -> names.contains(f.name())).toList();
    if (some.isEmpty()) {
      throw ApiException.invalid("tool_choice allows none of the tools", "tool_choice");
    }
    return switch (allowed.path("mode").asString("")) {
      case "auto" -> new ToolFields(forTemplate, null);
      case "required" -> new ToolFields(forTemplate, ToolCall.required(some));
      default ->
          throw ApiException.invalid("tool_choice.mode must be auto or required", "tool_choice");
    };
  }
}
