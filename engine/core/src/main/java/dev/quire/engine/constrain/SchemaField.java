package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import java.math.BigDecimal;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A schema inside a schema, and where it stands there, so that every complaint can name its place.
 *
 * @param path a JSON pointer, {@code #/properties/age}
 */
record SchemaField(JsonNode node, String path) {
  private static final int MOST_COUNT = 100_000;

  SchemaField child(String name) {
    JsonNode found = node.get(name);
    if (found == null) {
      throw error(name + " is missing");
    }
    return new SchemaField(found, path + "/" + name);
  }

  boolean has(String name) {
    return node.has(name);
  }

  /** A count, such as minLength; the fallback where it is missing. */
  int count(String name, int fallback) {
    JsonNode value = node.get(name);
    if (value == null) {
      return fallback;
    }
    if (!value.isNumber() || !value.canConvertToLong() || value.longValue() < 0) {
      throw error(name + " must be a whole number of at least 0");
    }
    if (value.longValue() > MOST_COUNT) {
      throw error("%s is more than %d, the most that is supported".formatted(name, MOST_COUNT));
    }
    return value.intValue();
  }

  @Nullable BigDecimal decimal(String name) {
    JsonNode value = node.get(name);
    if (value == null) {
      return null;
    }
    if (!value.isNumber() || Math.abs(value.decimalValue().scale()) > 1000) {
      throw error(name + " must be a number");
    }
    return value.decimalValue();
  }

  /** Refuses the first of these keywords that is there. */
  void refuse(Set<String> keywords) {
    for (String keyword : node.propertyNames()) {
      if (keywords.contains(keyword)) {
        throw error("the keyword " + keyword + " is not supported here");
      }
    }
  }

  QuireException error(String what) {
    return QuireException.invalid("JSON schema, at " + path + ": " + what);
  }
}
