package dev.quire.server;

import dev.quire.engine.constrain.ConstraintSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What a request says its text must match: OpenAI's field, and vLLM's. */
final class ConstraintFields {
  private ConstraintFields() {}

  /** The constraint; null where there is none. */
  static @Nullable ConstraintSpec of(RequestBody body) {
    List<ConstraintSpec> found = new ArrayList<>();
    JsonNode format = body.get("response_format");
    if (format != null) {
      add(found, format(format, "response_format"));
    }
    RequestBody structured = body.object("structured_outputs");
    add(found, json(structured, "json", "structured_outputs"));
    plain(structured, "", found);
    plain(body, "guided_", found);
    plain(body, "", found);
    add(found, json(body, "guided_json", "guided_json"));
    if (found.size() > 1) {
      throw ApiException.invalid(
          "of response_format, regex, choice and grammar only one can hold", "response_format");
    }
    return found.isEmpty() ? null : found.getFirst();
  }

  private static void add(List<ConstraintSpec> found, @Nullable ConstraintSpec spec) {
    if (spec != null) {
      found.add(spec);
    }
  }

  private static void plain(RequestBody body, String prefix, List<ConstraintSpec> found) {
    if (body.get(prefix + "regex") != null) {
      found.add(new ConstraintSpec.Regex(body.string(prefix + "regex")));
    }
    if (body.get(prefix + "choice") != null) {
      found.add(new ConstraintSpec.Choice(body.strings(prefix + "choice")));
    }
    if (body.get(prefix + "grammar") != null) {
      found.add(new ConstraintSpec.Gbnf(body.string(prefix + "grammar")));
    }
  }

  private static @Nullable ConstraintSpec json(RequestBody body, String field, String parameter) {
    JsonNode schema = body.get(field);
    if (schema == null) {
      return null;
    }
    return schema(schema, parameter);
  }

  private static ConstraintSpec schema(JsonNode schema, String parameter) {
    if (schema.isString()) {
      return new ConstraintSpec.JsonSchema(schema.stringValue());
    }
    if (!schema.isObject() && !schema.isBoolean()) {
      throw ApiException.invalid(parameter + ": the schema must be an object", parameter);
    }
    return new ConstraintSpec.JsonSchema(schema.toString());
  }

  /** OpenAI's description of a format: {@code type} text, json_object or json_schema. */
  static @Nullable ConstraintSpec format(JsonNode format, String parameter) {
    String type = format.isObject() ? format.path("type").asString("") : "";
    return switch (type) {
      case "text" -> null;
      case "json_object" -> new ConstraintSpec.JsonObject();
      case "json_schema" -> {
        // The responses API has the schema beside the type, the chat API one level down.
        JsonNode holder = format.has("json_schema") ? format.get("json_schema") : format;
        JsonNode schema = holder.get("schema");
        if (schema == null) {
          throw ApiException.invalid(parameter + ".json_schema.schema is missing", parameter);
        }
        yield schema(schema, parameter);
      }
      default ->
          throw ApiException.invalid(
              parameter + ".type must be text, json_object or json_schema", parameter);
    };
  }
}
