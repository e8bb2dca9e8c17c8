package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeType;

/**
 * JSON Schema (draft 2020-12, and what earlier drafts wrote the same way) as a grammar: a rule for
 * each schema, so that schemas may recur. Every text of the grammar is valid against the schema;
 * not every valid text is in the grammar: properties come in the schema's order, white space and
 * digits are bounded, and objects that list properties get no others unless {@code
 * additionalProperties} says so. A keyword that cannot be kept is refused by name.
 */
final class JsonSchemaGrammar {
  /** Keywords that say nothing about validity. */
  private static final Set<String> NOTES =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "$anchor",
          "$defs",
          "definitions",
          "title",
          "description",
          "default",
          "examples",
          "example",
          "deprecated",
          "readOnly",
          "writeOnly",
          "strict",
          "contentMediaType",
          "contentEncoding",
          "id",
          "nullable",
          "discriminator",
          "name");

  private static final Set<String> UNSUPPORTED =
      Set.of(
          "not",
          "if",
          "then",
          "else",
          "dependentSchemas",
          "dependentRequired",
          "dependencies",
          "propertyNames",
          "unevaluatedProperties",
          "unevaluatedItems",
          "contains",
          "minContains",
          "maxContains",
          "multipleOf",
          "$dynamicRef",
          "$dynamicAnchor",
          "$recursiveRef",
          "$recursiveAnchor",
          "minProperties",
          "maxProperties",
          "additionalItems");

  private static final Set<String> KNOWN =
      Set.of(
          "type",
          "enum",
          "const",
          "anyOf",
          "oneOf",
          "allOf",
          "$ref",
          "properties",
          "required",
          "additionalProperties",
          "patternProperties",
          "items",
          "prefixItems",
          "minItems",
          "maxItems",
          "uniqueItems",
          "minLength",
          "maxLength",
          "pattern",
          "format",
          "minimum",
          "maximum",
          "exclusiveMinimum",
          "exclusiveMaximum");

  private static final List<String> TYPES =
      List.of("object", "array", "string", "number", "integer", "boolean", "null");
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(tools.jackson.databind.DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private static final int DEEPEST = 200;

  private final JsonNode root;
  private int depth;
  private final Map<String, Expression> rules = JsonText.rules();
  private final Map<String, String> ruleOfPath = new HashMap<>();
  private final SchemaMerge merge = new SchemaMerge(this::resolve);

  private JsonSchemaGrammar(JsonNode root) {
    this.root = root;
  }

  /**
   * @throws QuireException if the text is no JSON Schema or uses a feature that is not supported;
   *     the message names it and its place
   */
  static Grammar of(String schema) {
    JsonNode root;
    try {
      root = MAPPER.readTree(schema);
    } catch (JacksonException e) {
      throw QuireException.invalid("the JSON schema is no JSON: " + e.getOriginalMessage());
    }
    if (root == null || !(root.isObject() || root.isBoolean())) {
      throw QuireException.invalid("a JSON schema must be an object, true or false");
    }
    var maker = new JsonSchemaGrammar(root);
    String rule = maker.rule(new SchemaField(root, "#"));
    return new Grammar(maker.rules, rule);
  }

  /** The rule of a schema; made at its first use. */
  private String rule(SchemaField schema) {
    String known = ruleOfPath.get(schema.path());
    if (known != null) {
      return known;
    }
    String name = " schema " + schema.path();
    ruleOfPath.put(schema.path(), name);
    if (++depth > DEEPEST) {
      throw schema.error("schemas nested more than " + DEEPEST + " deep are not supported");
    }
    rules.put(name, body(schema));
    depth--;
    return name;
  }

  Expression reference(SchemaField schema) {
    return JsonText.reference(rule(schema));
  }

  /** Adds a rule. */
  void define(String name, Expression body) {
    rules.put(name, body);
  }

  private Expression body(SchemaField schema) {
    JsonNode node = schema.node();
    if (node.isBoolean()) {
      return node.booleanValue() ? JsonText.reference(JsonText.VALUE) : Expression.NOTHING;
    }
    if (!node.isObject()) {
      throw schema.error("a schema must be an object, true or false");
    }
    check(schema);
    if (schema.has("$ref")) {
      return referenced(schema);
    }
    if (schema.has("allOf")) {
      return body(merge.allOf(schema));
    }
    if (schema.has("const")) {
      return literal(schema, List.of(schema.child("const").node()));
    }
    if (schema.has("enum")) {
      JsonNode values = schema.child("enum").node();
      if (!values.isArray()) {
        throw schema.error("enum must be an array");
      }
      return literal(schema, List.copyOf(values.values()));
    }
    if (schema.has("anyOf")) {
      return alternatives(schema, "anyOf");
    }
    if (schema.has("oneOf")) {
      return alternatives(schema, "oneOf");
    }
    return typed(schema);
  }

  private static void check(SchemaField schema) {
    schema.refuse(UNSUPPORTED);
    for (String keyword : schema.node().propertyNames()) {
      if (!KNOWN.contains(keyword) && !NOTES.contains(keyword) && !keyword.startsWith("x-")) {
        throw schema.error("the keyword " + keyword + " is not known");
      }
    }
    if (schema.node().path("uniqueItems").asBoolean(false)) {
      throw schema.error("the keyword uniqueItems is not supported");
    }
  }

  private Expression referenced(SchemaField schema) {
    for (String keyword : schema.node().propertyNames()) {
      if (!keyword.equals("$ref") && !NOTES.contains(keyword)) {
        return body(merge.withReference(schema));
      }
    }
    return reference(resolve(schema));
  }

  /** The schema that {@code $ref} names. */
  private SchemaField resolve(SchemaField schema) {
    String pointer = schema.child("$ref").node().asString("");
    if (!pointer.startsWith("#")) {
      throw schema.error("$ref " + pointer + ": only references within the schema are supported");
    }
    JsonNode target = root;
    if (pointer.length() > 1) {
      try {
        target = root.at(pointer.substring(1).replace("%25", "%").replace("%20", " "));
      } catch (IllegalArgumentException e) {
        throw schema.error("$ref " + pointer + " is no JSON pointer");
      }
    }
    if (target.isMissingNode()) {
      throw schema.error("$ref " + pointer + " leads nowhere");
    }
    return new SchemaField(target, pointer);
  }

  private Expression literal(SchemaField schema, List<JsonNode> values) {
    List<Expression> spellings = new ArrayList<>();
    for (JsonNode value : values) {
      if (!schema.has("type") || hasType(schema, value)) {
        spellings.add(Expression.text(value.toString()));
      }
    }
    for (String keyword : schema.node().propertyNames()) {
      if (!NOTES.contains(keyword) && !Set.of("const", "enum", "type").contains(keyword)) {
        throw schema.error(
            "the keyword " + keyword + " together with enum or const is not supported");
      }
    }
    return new Expression.Choice(spellings);
  }

  private static boolean hasType(SchemaField schema, JsonNode value) {
    JsonNodeType kind = value.getNodeType();
    for (String type : types(schema)) {
      boolean fits =
          switch (type) {
            case "object" -> kind == JsonNodeType.OBJECT;
            case "array" -> kind == JsonNodeType.ARRAY;
            case "string" -> kind == JsonNodeType.STRING;
            case "number" -> kind == JsonNodeType.NUMBER;
            case "integer" ->
                kind == JsonNodeType.NUMBER
                    && value.decimalValue().stripTrailingZeros().scale() <= 0;
            case "boolean" -> kind == JsonNodeType.BOOLEAN;
            default -> kind == JsonNodeType.NULL;
          };
      if (fits) {
        return true;
      }
    }
    return false;
  }

  private Expression alternatives(SchemaField schema, String keyword) {
    SchemaField list = schema.child(keyword);
    if (!list.node().isArray() || list.node().isEmpty()) {
      throw schema.error(keyword + " must be an array of at least one schema");
    }
    List<SchemaField> branches = new ArrayList<>();
    for (int i = 0; i < list.node().size(); i++) {
      var branch = new SchemaField(list.node().get(i), list.path() + "/" + i);
      branches.add(merge.withSiblings(schema, keyword, branch));
    }
    if (keyword.equals("oneOf") && !merge.apart(branches)) {
      throw schema.error(
          "the keyword oneOf is supported only where types or constant properties keep its"
              + " alternatives apart; anyOf may do");
    }
    return new Expression.Choice(branches.stream().map(this::reference).toList());
  }

  private Expression typed(SchemaField schema) {
    List<Expression> alternatives = new ArrayList<>();
    for (String type : types(schema)) {
      alternatives.add(
          switch (type) {
            case "object" -> new SchemaObjects(this).object(schema);
            case "array" -> new SchemaArrays(this).array(schema);
            case "string" -> SchemaStrings.string(schema);
            case "number" -> SchemaNumbers.number(schema);
            case "integer" -> SchemaNumbers.integer(schema);
            case "boolean" -> Expression.choice(Expression.text("true"), Expression.text("false"));
            default -> Expression.text("null");
          });
    }
    return new Expression.Choice(alternatives);
  }

  /** The types that a schema names, or all that its other keywords leave open. */
  static Set<String> types(SchemaField schema) {
    JsonNode type = schema.node().get("type");
    Set<String> types = new LinkedHashSet<>();
    if (type == null) {
      types.addAll(impliedTypes(schema.node()));
      return types;
    }
    List<JsonNode> named = type.isArray() ? List.copyOf(type.values()) : List.of(type);
    for (JsonNode each : named) {
      String name = each.asString("");
      if (!TYPES.contains(name)) {
        throw schema.error("type must be one of " + TYPES + "; it is " + each);
      }
      types.add(name);
    }
    if (types.isEmpty()) {
      throw schema.error("type must name at least one type");
    }
    if (types.contains("number")) {
      types.remove("integer");
    }
    if (schema.node().path("nullable").asBoolean(false)) {
      types.add("null");
    }
    return types;
  }

  /** A keyword such as minLength binds strings alone, but whoever writes it means a string. */
  private static List<String> impliedTypes(JsonNode node) {
    if (node.has("properties") || node.has("required") || node.has("additionalProperties")) {
      return List.of("object");
    }
    if (node.has("items")
        || node.has("prefixItems")
        || node.has("minItems")
        || node.has("maxItems")) {
      return List.of("array");
    }
    if (node.has("minLength")
        || node.has("maxLength")
        || node.has("pattern")
        || node.has("format")) {
      return List.of("string");
    }
    if (node.has("minimum")
        || node.has("maximum")
        || node.has("exclusiveMinimum")
        || node.has("exclusiveMaximum")) {
      return List.of("number");
    }
    return List.of("object", "array", "string", "number", "boolean", "null");
  }
}
