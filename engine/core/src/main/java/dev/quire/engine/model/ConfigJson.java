package dev.quire.engine.model;

import dev.quire.weights.WeightsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Typed fields of a {@code config.json}; what is null counts as left out. */
final class ConfigJson {
  private final Path file;
  private final String prefix;
  private final JsonNode node;

  ConfigJson(Path file, JsonNode node) {
    this(file, "", node);
  }

  private ConfigJson(Path file, String prefix, JsonNode node) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
  }

  boolean has(String field) {
    return node.hasNonNull(field);
  }

  WeightsException refusal(String field, String message) {
    return WeightsException.in(file, "'%s%s' %s".formatted(prefix, field, message));
  }

  private JsonNode required(String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      throw refusal(field, "is missing");
    }
    return value;
  }

  ConfigJson object(String field) {
    JsonNode value = required(field);
    if (!value.isObject()) {
      throw refusal(field, "is " + value + " where an object is needed");
    }
    return new ConfigJson(file, prefix + field + ".", value);
  }

  boolean hasObject(String field) {
    return node.path(field).isObject();
  }

  String string(String field) {
    JsonNode value = required(field);
    if (!value.isString()) {
      throw refusal(field, "is " + value + " where a string is needed");
    }
    return value.stringValue();
  }

  String string(String field, String fallback) {
    return has(field) ? string(field) : fallback;
  }

  boolean flag(String field, boolean fallback) {
    if (!has(field)) {
      return fallback;
    }
    JsonNode value = required(field);
    if (!value.isBoolean()) {
      throw refusal(field, "is " + value + " where true or false is needed");
    }
    return value.booleanValue();
  }

  /** A whole number in [least, most]. */
  int integer(String field, int least, int most) {
    JsonNode value = required(field);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw refusal(field, "is " + value + " where a whole number is needed");
    }
    int number = value.intValue();
    if (number < least || number > most) {
      throw refusal(field, "is %d, not in [%d, %d]".formatted(number, least, most));
    }
    return number;
  }

  int integer(String field, int least, int most, int fallback) {
    return has(field) ? integer(field, least, most) : fallback;
  }

  /** A finite number above zero. */
  double positive(String field) {
    JsonNode value = required(field);
    if (!value.isNumber()) {
      throw refusal(field, "is " + value + " where a number is needed");
    }
    return checkPositive(field, value.doubleValue());
  }

  double positive(String field, double fallback) {
    return has(field) ? positive(field) : fallback;
  }

  private double checkPositive(String field, double number) {
    if (!(number > 0) || number > Float.MAX_VALUE) {
      throw refusal(field, "is " + number + "; it must be a finite number above zero");
    }
    return number;
  }

  /** Finite numbers above zero. */
  List<Float> positives(String field) {
    List<Float> numbers = new ArrayList<>();
    for (JsonNode value : array(field)) {
      if (!value.isNumber()) {
        throw refusal(field, "contains " + value + " where numbers are needed");
      }
      numbers.add((float) checkPositive(field, value.doubleValue()));
    }
    return numbers;
  }

  List<String> strings(String field) {
    List<String> strings = new ArrayList<>();
    for (JsonNode value : array(field)) {
      if (!value.isString()) {
        throw refusal(field, "contains " + value + " where strings are needed");
      }
      strings.add(value.stringValue());
    }
    return strings;
  }

  List<Integer> integers(String field) {
    List<Integer> integers = new ArrayList<>();
    for (JsonNode value : array(field)) {
      if (!value.isIntegralNumber() || !value.canConvertToInt()) {
        throw refusal(field, "contains " + value + " where whole numbers are needed");
      }
      integers.add(value.intValue());
    }
    return integers;
  }

  private JsonNode array(String field) {
    JsonNode value = required(field);
    if (!value.isArray()) {
      throw refusal(field, "is " + value + " where an array is needed");
    }
    return value;
  }
}
