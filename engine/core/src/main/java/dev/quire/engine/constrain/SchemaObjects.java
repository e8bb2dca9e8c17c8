package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/** Objects of a schema: properties in the schema's order, then others where they are allowed. */
final class SchemaObjects {
  private static final int LONGEST_NAME = 256;

  private final JsonSchemaGrammar grammar;

  SchemaObjects(JsonSchemaGrammar grammar) {
    this.grammar = grammar;
  }

  Expression object(SchemaField schema) {
    Map<String, Expression> properties = new LinkedHashMap<>();
    if (schema.has("properties")) {
      SchemaField list = schema.child("properties");
      if (!list.node().isObject()) {
        throw schema.error("properties must be an object");
      }
      for (Map.Entry<String, JsonNode> entry : list.node().properties()) {
        String path = list.path() + "/" + entry.getKey().replace("~", "~0").replace("/", "~1");
        properties.put(entry.getKey(), grammar.reference(new SchemaField(entry.getValue(), path)));
      }
    }
    Set<String> required = required(schema);
    Expression others = others(schema, properties.keySet(), required);
    for (String name : required) {
      if (!properties.containsKey(name)) {
        if (others == null) {
          throw schema.error("the property " + name + " is required but must not be there");
        }
        properties.put(name, additionalValue(schema));
      }
    }
    if (others != null) {
      // They must differ from every property, also from those added just now.
      others = others(schema, properties.keySet(), required);
    }
    return JsonText.enclosed("{", members(schema, properties, required, others), "}");
  }

  private static Set<String> required(SchemaField schema) {
    Set<String> names = new LinkedHashSet<>();
    JsonNode required = schema.node().get("required");
    if (required != null) {
      if (!required.isArray()) {
        throw schema.error("required must be an array of names");
      }
      required.values().forEach(name -> names.add(name.asString("")));
    }
    return names;
  }

  /** A property that the schema does not list; null where there may be none. */
  private @Nullable Expression others(
      SchemaField schema, Set<String> names, Set<String> requiredBeyond) {
    JsonNode additional = schema.node().get("additionalProperties");
    if (schema.has("patternProperties")) {
      return patterned(schema, names);
    }
    boolean open =
        additional == null
            ? !schema.has("properties") || !names.containsAll(requiredBeyond)
            : !additional.isBoolean() || additional.booleanValue();
    if (!open) {
      return null;
    }
    return Expression.sequence(
        keyOtherThan(schema, names), JsonText.colon(), additionalValue(schema));
  }

  private Expression additionalValue(SchemaField schema) {
    JsonNode additional = schema.node().get("additionalProperties");
    return additional == null || additional.isBoolean()
        ? JsonText.reference(JsonText.VALUE)
        : grammar.reference(schema.child("additionalProperties"));
  }

  /** One pattern, and nothing beside what matches it: then no two schemas bind one property. */
  private Expression patterned(SchemaField schema, Set<String> names) {
    SchemaField list = schema.child("patternProperties");
    JsonNode additional = schema.node().get("additionalProperties");
    boolean closed = additional != null && additional.isBoolean() && !additional.booleanValue();
    if (list.node().size() != 1 || !names.isEmpty() || !closed) {
      throw schema.error(
          "patternProperties is supported with one pattern, no properties, and"
              + " additionalProperties false");
    }
    String pattern = list.node().propertyNames().iterator().next();
    JsonNode value = list.node().get(pattern);
    Expression key =
        Expression.sequence(
            Expression.text("\""),
            JsonText.escaped(RegexParser.search(pattern)),
            Expression.text("\""));
    return Expression.sequence(
        key,
        JsonText.colon(),
        grammar.reference(new SchemaField(value, list.path() + "/" + pattern)));
  }

  /**
   * Members with commas between them. A rule for each place and for whether anything stands before
   * it, as every optional property may be left out:
   *
   * <pre>
   *   first(i) = pair(i) next(i + 1)     | first(i + 1) if i is optional
   *   next(i)  = "," pair(i) next(i + 1) | next(i + 1)  if i is optional
   * </pre>
   */
  private Expression members(
      SchemaField schema,
      Map<String, Expression> properties,
      Set<String> required,
      @Nullable Expression others) {
    String name = " members " + schema.path() + " ";
    List<String> names = new ArrayList<>(properties.keySet());
    int n = names.size();
    Expression more = Expression.EMPTY;
    Expression some = Expression.EMPTY;
    if (others != null) {
      more =
          new Expression.Repeat(
              Expression.sequence(JsonText.comma(), others), 0, Expression.UNBOUNDED);
      some = Expression.optional(Expression.sequence(others, more));
    }
    grammar.define(name + "next " + n, more);
    grammar.define(name + "first " + n, some);
    for (int i = n - 1; i >= 0; i--) {
      String property = names.get(i);
      Expression value = properties.getOrDefault(property, Expression.NOTHING);
      Expression pair =
          Expression.sequence(
              Expression.text(StringNode.valueOf(property).toString()), JsonText.colon(), value);
      Expression next = JsonText.reference(name + "next " + (i + 1));
      Expression begun = Expression.sequence(pair, next);
      Expression continued = Expression.sequence(JsonText.comma(), pair, next);
      boolean optional = !required.contains(property);
      grammar.define(
          name + "first " + i,
          optional
              ? Expression.choice(begun, JsonText.reference(name + "first " + (i + 1)))
              : begun);
      grammar.define(name + "next " + i, optional ? Expression.choice(continued, next) : continued);
    }
    return JsonText.reference(name + "first 0");
  }

  /**
   * A key that is none of the names: written without escapes, so that no name can hide behind one.
   */
  private static Expression keyOtherThan(SchemaField schema, Set<String> names) {
    if (names.stream().anyMatch(name -> name.length() > LONGEST_NAME)) {
      throw schema.error(
          "property names of more than %d characters beside additionalProperties are not supported"
              .formatted(LONGEST_NAME));
    }
    Expression any = new Expression.Symbol(JsonText.PLAIN);
    if (names.isEmpty()) {
      return Expression.sequence(
          Expression.text("\""),
          new Expression.Repeat(any, 0, Expression.UNBOUNDED),
          Expression.text("\""));
    }
    return Expression.sequence(
        Expression.text("\""), tailOtherThan(new TreeSet<>(names)), Expression.text("\""));
  }

  /** Texts that are none of these. */
  private static Expression tailOtherThan(Set<String> names) {
    Expression anything =
        new Expression.Repeat(new Expression.Symbol(JsonText.PLAIN), 0, Expression.UNBOUNDED);
    Map<Integer, Set<String>> byFirst = new TreeMap<>();
    boolean emptyIsName = false;
    for (String name : names) {
      if (name.isEmpty()) {
        emptyIsName = true;
      } else {
        int first = name.codePointAt(0);
        byFirst
            .computeIfAbsent(first, _ -> new TreeSet<>())
            .add(name.substring(Character.charCount(first)));
      }
    }
    List<Expression> alternatives = new ArrayList<>();
    if (!emptyIsName) {
      alternatives.add(Expression.EMPTY);
    }
    CodePoints others = JsonText.PLAIN;
    for (Map.Entry<Integer, Set<String>> entry : byFirst.entrySet()) {
      CodePoints first = CodePoints.of(entry.getKey());
      others = others.minus(first);
      if (JsonText.PLAIN.contains(entry.getKey())) {
        alternatives.add(
            Expression.sequence(new Expression.Symbol(first), tailOtherThan(entry.getValue())));
      }
    }
    alternatives.add(Expression.sequence(new Expression.Symbol(others), anything));
    return new Expression.Choice(alternatives);
  }
}
