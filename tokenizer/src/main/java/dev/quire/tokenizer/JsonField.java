package dev.quire.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A value of a JSON file that knows where it stands, so that errors can say so. */
final class JsonField {
  private static final long LARGEST = 1L << 30;

  private final JsonNode node;
  private final @Nullable JsonField parent;

  /** The file's path, the name in the parent object, or the index in the parent array. */
  private final Object name;

  private JsonField(JsonNode node, @Nullable JsonField parent, Object name) {
    this.node = node;
    this.parent = parent;
    this.name = name;
  }

  /**
   * The object that a file holds.
   *
   * @throws TokenizerException if it cannot be read or holds something else
   */
  static JsonField ofFile(Path file) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new TokenizerException(file + " is too large: " + Files.size(file) + " bytes");
      }
      return of(Files.readAllBytes(file), file);
    } catch (IOException e) {
      throw new TokenizerException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * The object that a text is.
   *
   * @param place where the text is from
   * @throws TokenizerException if it is something else
   */
  static JsonField ofText(String text, String place) {
    return of(text.getBytes(StandardCharsets.UTF_8), place);
  }

  private static JsonField of(byte[] json, Object place) {
    try {
      JsonNode node = JsonMapper.builder().build().readTree(json);
      JsonField field = new JsonField(node, null, place);
      if (!node.isObject()) {
        throw field.wrong("is no JSON object");
      }
      return field;
    } catch (JacksonException e) {
      throw new TokenizerException(place + " is no sound JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** An error about this value: {@code tokenizer.json: model.vocab[3] is …}. */
  TokenizerException wrong(String problem) {
    return new TokenizerException(place() + " " + problem);
  }

  String place() {
    if (parent == null) {
      return name + ":";
    }
    if (name instanceof Integer) {
      return parent.place() + "[" + name + "]";
    }
    return parent.place() + (parent.parent == null ? " " : ".") + name;
  }

  /** A field that may be absent or null. */
  @Nullable JsonField find(String field) {
    JsonNode value = node.get(field);
    return value == null || value.isNull() ? null : new JsonField(value, this, field);
  }

  /** A field that must be there. */
  JsonField get(String field) {
    JsonField value = find(field);
    if (value == null) {
      JsonNode nothing = tools.jackson.databind.node.NullNode.getInstance();
      throw new JsonField(nothing, this, field).wrong("is missing");
    }
    return value;
  }

  boolean isText() {
    return node.isString();
  }

  boolean isArray() {
    return node.isArray();
  }

  boolean isObject() {
    return node.isObject();
  }

  boolean isInteger() {
    return node.isIntegralNumber();
  }

  String text() {
    if (!node.isString()) {
      throw wrong("must be a string");
    }
    return node.stringValue();
  }

  String text(String field, String fallback) {
    JsonField value = find(field);
    return value == null ? fallback : value.text();
  }

  boolean flag(String field, boolean fallback) {
    JsonField value = find(field);
    if (value == null) {
      return fallback;
    }
    if (!value.node.isBoolean()) {
      throw value.wrong("must be true or false");
    }
    return value.node.booleanValue();
  }

  int integer() {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw wrong("must be an integer of 32 bits");
    }
    return node.intValue();
  }

  int integer(String field, int fallback) {
    JsonField value = find(field);
    return value == null ? fallback : value.integer();
  }

  double number() {
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw wrong("must be a finite number");
    }
    return node.doubleValue();
  }

  /** The elements of an array. */
  List<JsonField> items() {
    if (!node.isArray()) {
      throw wrong("must be an array");
    }
    List<JsonField> items = new ArrayList<>(node.size());
    for (int i = 0; i < node.size(); i++) {
      items.add(new JsonField(node.get(i), this, i));
    }
    return items;
  }

  /** The fields of an object in the file's order. */
  List<Map.Entry<String, JsonField>> entries() {
    if (!node.isObject()) {
      throw wrong("must be an object");
    }
    List<Map.Entry<String, JsonField>> entries = new ArrayList<>(node.size());
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      entries.add(Map.entry(entry.getKey(), new JsonField(entry.getValue(), this, entry.getKey())));
    }
    return entries;
  }

  /**
   * A pattern object: {@code {"String": …}} becomes the expression that matches just that text,
   * {@code {"Regex": …}} stays.
   */
  String pattern(String field) {
    JsonField value = get(field);
    JsonField literal = value.isObject() ? value.find("String") : null;
    return literal != null ? quoted(literal.text()) : value.get("Regex").text();
  }

  static String quoted(String literal) {
    StringBuilder out = new StringBuilder();
    literal
        .codePoints()
        .forEach(
            c -> {
              if (c < 128 && !Character.isLetterOrDigit(c)) {
                out.append('\\');
              }
              out.appendCodePoint(c);
            });
    return out.toString();
  }
}
