package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** One schema for several that hold at once, as far as their keywords can be put together. */
final class SchemaMerge {
  private static final Set<String> NOTES =
      Set.of("title", "description", "default", "examples", "$comment", "$defs", "definitions");
  private static final int DEEPEST = 64;

  /** Keeps the paths inside a merged schema apart from those of the schemas it is made of. */
  private static final String MERGED = " (merged)";

  private final UnaryOperator<SchemaField> resolve;
  private int references;

  /**
   * @param resolve follows a schema's {@code $ref}
   */
  SchemaMerge(UnaryOperator<SchemaField> resolve) {
    this.resolve = resolve;
  }

  /** The members of {@code allOf} and the keywords beside it as one schema. */
  SchemaField allOf(SchemaField schema) {
    SchemaField list = schema.child("allOf");
    if (!list.node().isArray() || list.node().isEmpty()) {
      throw schema.error("allOf must be an array of at least one schema");
    }
    ObjectNode merged = without(schema, "allOf");
    for (int i = 0; i < list.node().size(); i++) {
      var member = new SchemaField(list.node().get(i), list.path() + "/" + i);
      add(merged, followed(member, 0), schema);
    }
    return new SchemaField(merged, schema.path() + MERGED);
  }

  /** A schema whose {@code $ref} has other keywords beside it. */
  SchemaField withReference(SchemaField schema) {
    if (++references > DEEPEST) {
      throw schema.error("references that only lead to references");
    }
    ObjectNode merged = without(schema, "$ref");
    add(merged, followed(resolve.apply(schema), 0), schema);
    references--;
    return new SchemaField(merged, schema.path() + MERGED);
  }

  /** A branch of {@code anyOf} together with the keywords beside it. */
  SchemaField withSiblings(SchemaField schema, String keyword, SchemaField branch) {
    ObjectNode merged = without(schema, keyword);
    NOTES.forEach(merged::remove);
    if (merged.isEmpty() || !branch.node().isObject()) {
      return branch;
    }
    add(merged, followed(branch, 0), schema);
    return new SchemaField(merged, branch.path() + MERGED);
  }

  private static ObjectNode without(SchemaField schema, String keyword) {
    ObjectNode rest = ((ObjectNode) schema.node()).deepCopy();
    rest.remove(keyword);
    return rest;
  }

  private SchemaField followed(SchemaField schema, int depth) {
    if (depth > DEEPEST) {
      throw schema.error("references that only lead to references");
    }
    if (!schema.has("$ref")) {
      return schema;
    }
    return followed(
        schema.node().size() > 1 ? withReference(schema) : resolve.apply(schema), depth + 1);
  }

  private static void add(ObjectNode into, SchemaField from, SchemaField place) {
    if (from.node().isBoolean() && from.node().booleanValue()) {
      return;
    }
    if (!from.node().isObject()) {
      throw place.error("allOf with a schema that is no object is not supported");
    }
    for (Map.Entry<String, JsonNode> entry : from.node().properties()) {
      String keyword = entry.getKey();
      JsonNode value = entry.getValue();
      JsonNode present = into.get(keyword);
      if (NOTES.contains(keyword) || value.equals(present)) {
        continue;
      }
      if (present == null) {
        into.set(keyword, value.deepCopy());
      } else if (keyword.equals("properties")) {
        properties((ObjectNode) present, value, place);
      } else if (keyword.equals("required")) {
        for (JsonNode name : value) {
          if (!present.valueStream().anyMatch(name::equals)) {
            ((ArrayNode) present).add(name);
          }
        }
      } else if (keyword.startsWith("min") || keyword.equals("exclusiveMinimum")) {
        into.set(keyword, greater(present, value) ? present : value);
      } else if (keyword.startsWith("max") || keyword.equals("exclusiveMaximum")) {
        into.set(keyword, greater(present, value) ? value : present);
      } else if (keyword.equals("type")) {
        into.set(keyword, commonTypes(present, value, place));
      } else {
        throw place.error(
            "schemas that hold at once and both have the keyword "
                + keyword
                + " are not supported");
      }
    }
  }

  private static boolean greater(JsonNode a, JsonNode b) {
    return a.isNumber() && b.isNumber() && a.decimalValue().compareTo(b.decimalValue()) > 0;
  }

  private static void properties(ObjectNode into, JsonNode from, SchemaField place) {
    for (Map.Entry<String, JsonNode> entry : from.properties()) {
      JsonNode present = into.get(entry.getKey());
      if (present == null) {
        into.set(entry.getKey(), entry.getValue().deepCopy());
      } else if (present.isObject()) {
        ObjectNode merged = ((ObjectNode) present).deepCopy();
        add(merged, new SchemaField(entry.getValue(), place.path()), place);
        into.set(entry.getKey(), merged);
      } else {
        throw place.error("the property " + entry.getKey() + " is given twice");
      }
    }
  }

  private static JsonNode commonTypes(JsonNode a, JsonNode b, SchemaField place) {
    Set<String> left = JsonSchemaGrammar.types(typed(a, place));
    Set<String> right = JsonSchemaGrammar.types(typed(b, place));
    ArrayNode common = JsonNodeFactory.instance.arrayNode();
    for (String type : left) {
      if (right.contains(type) || type.equals("integer") && right.contains("number")) {
        common.add(type);
      } else if (type.equals("number") && right.contains("integer")) {
        common.add("integer");
      }
    }
    if (common.isEmpty()) {
      throw place.error("schemas that hold at once have no type in common");
    }
    return common;
  }

  private static SchemaField typed(JsonNode type, SchemaField place) {
    ObjectNode schema = JsonNodeFactory.instance.objectNode();
    schema.set("type", type);
    return new SchemaField(schema, place.path());
  }

  /**
   * Whether no value can be valid against two of the schemas: by type or by a constant property.
   */
  boolean apart(List<SchemaField> schemas) {
    List<SchemaField> branches = new ArrayList<>();
    schemas.forEach(schema -> branches.add(followed(schema, 0)));
    for (int i = 0; i < branches.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (!apart(branches.get(i), branches.get(j))) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean apart(SchemaField a, SchemaField b) {
    if (!a.node().isObject() || !b.node().isObject()) {
      return false;
    }
    Set<JsonNode> constants = constants(a.node());
    Set<JsonNode> others = constants(b.node());
    if (!constants.isEmpty() && !others.isEmpty()) {
      return constants.stream().noneMatch(others::contains);
    }
    if (a.node().has("type") && b.node().has("type")) {
      Set<String> left = JsonSchemaGrammar.types(a);
      Set<String> right = JsonSchemaGrammar.types(b);
      boolean numbers =
          left.contains("number") && right.contains("integer")
              || left.contains("integer") && right.contains("number");
      if (!numbers && left.stream().noneMatch(right::contains)) {
        return true;
      }
    }
    return apartByProperty(a.node(), b.node());
  }

  private static boolean apartByProperty(JsonNode a, JsonNode b) {
    for (JsonNode name : a.path("required")) {
      String key = name.asString("");
      boolean both = b.path("required").valueStream().anyMatch(name::equals);
      Set<JsonNode> left = constants(a.path("properties").path(key));
      Set<JsonNode> right = constants(b.path("properties").path(key));
      if (both && !left.isEmpty() && !right.isEmpty() && left.stream().noneMatch(right::contains)) {
        return true;
      }
    }
    return false;
  }

  private static Set<JsonNode> constants(JsonNode schema) {
    Set<JsonNode> values = new HashSet<>();
    if (schema.has("const")) {
      values.add(schema.get("const"));
    } else if (schema.has("enum")) {
      values.addAll(schema.get("enum").values());
    }
    return values;
  }
}
