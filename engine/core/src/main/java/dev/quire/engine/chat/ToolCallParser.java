package dev.quire.engine.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Calls of functions in the formats that models were trained to write: Hermes' and Qwen's {@code
 * <tool_call>} tags, Mistral's {@code [TOOL_CALLS]}, Llama 3's {@code <function=…>} and bare JSON.
 */
final class ToolCallParser {
  /** Where a call may begin inside a text. */
  static final List<String> MARKERS =
      List.of("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<function=");

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Pattern TAGGED =
      Pattern.compile("<tool_call>\\s*(.*?)\\s*(?:</tool_call>|\\z)", Pattern.DOTALL);
  private static final Pattern FUNCTION =
      Pattern.compile("<function=([^>]+)>\\s*(.*?)\\s*(?:</function>|\\z)", Pattern.DOTALL);

  private ToolCallParser() {}

  /** The calls that a text consists of; none where it is anything else. */
  static List<ToolCall> parse(String text) {
    String call = text.strip();
    List<ToolCall> calls = new ArrayList<>();
    if (call.startsWith("<tool_call>")) {
      Matcher matcher = TAGGED.matcher(call);
      while (matcher.find()) {
        add(matcher.group(1), calls);
      }
    } else if (call.startsWith("<function=")) {
      Matcher matcher = FUNCTION.matcher(call);
      while (matcher.find()) {
        JsonNode node = json(matcher.group(2));
        if (node.isObject()) {
          calls.add(new ToolCall(matcher.group(1), node.toString()));
        }
      }
    } else {
      for (String marker : MARKERS) {
        call = call.startsWith(marker) ? call.substring(marker.length()) : call;
      }
      add(call, calls);
    }
    return calls;
  }

  private static void add(String text, List<ToolCall> calls) {
    JsonNode node = json(text);
    if (node.isArray()) {
      node.forEach(each -> add(each, calls));
    } else {
      add(node, calls);
    }
  }

  private static void add(JsonNode node, List<ToolCall> calls) {
    JsonNode name = node.path("name");
    JsonNode arguments = node.has("arguments") ? node.get("arguments") : node.path("parameters");
    if (!name.isString()) {
      return;
    }
    if (arguments.isString()) {
      calls.add(new ToolCall(name.stringValue(), arguments.stringValue()));
    } else if (arguments.isObject()) {
      calls.add(new ToolCall(name.stringValue(), arguments.toString()));
    }
  }

  private static JsonNode json(String text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      return node == null ? MAPPER.missingNode() : node;
    } catch (JacksonException e) {
      return MAPPER.missingNode();
    }
  }
}
