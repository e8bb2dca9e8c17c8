package dev.quire.server;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The JSON object of a request; every complaint names its field. */
record RequestBody(JsonNode root) {
  private static final int DEEPEST = 200;
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                  .build())
          .build();

  /** Nothing but an empty object. */
  static final RequestBody EMPTY = new RequestBody(MAPPER.createObjectNode());

  static RequestBody read(InputStream in, int largest) throws IOException {
    byte[] bytes = in.readNBytes(largest + 1);
    if (bytes.length > largest) {
      throw new ApiException(
          413,
          "invalid_request_error",
          "the request has more than " + largest + " bytes",
          null,
          "request_too_large");
    }
    try {
      JsonNode root = MAPPER.readTree(bytes);
      if (root == null || !root.isObject()) {
        throw ApiException.invalid("the request must be a JSON object", null);
      }
      return new RequestBody(root);
    } catch (JacksonException e) {
      throw ApiException.invalid("the request is no JSON: " + e.getOriginalMessage(), null);
    }
  }

  /** The field's value; null where it is missing or null. */
  @Nullable JsonNode get(String field) {
    JsonNode node = root.get(field);
    return node == null || node.isNull() ? null : node;
  }

  /** An object; an empty one where the field is missing. */
  RequestBody object(String field) {
    JsonNode node = get(field);
    if (node == null) {
      return EMPTY;
    }
    if (!node.isObject()) {
      throw ApiException.invalid(field + " must be an object", field);
    }
    return new RequestBody(node);
  }

  int integer(String field, int fallback) {
    JsonNode node = get(field);
    if (node == null) {
      return fallback;
    }
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw ApiException.invalid(field + " must be an integer", field);
    }
    return node.intValue();
  }

  @Nullable Long optionalLong(String field) {
    JsonNode node = get(field);
    if (node == null) {
      return null;
    }
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw ApiException.invalid(field + " must be an integer", field);
    }
    return node.longValue();
  }

  double number(String field, double fallback) {
    JsonNode node = get(field);
    if (node == null) {
      return fallback;
    }
    if (!node.isNumber()) {
      throw ApiException.invalid(field + " must be a number", field);
    }
    return node.doubleValue();
  }

  boolean flag(String field, boolean fallback) {
    JsonNode node = get(field);
    if (node == null) {
      return fallback;
    }
    if (!node.isBoolean()) {
      throw ApiException.invalid(field + " must be true or false", field);
    }
    return node.booleanValue();
  }

  String string(String field) {
    JsonNode node = get(field);
    if (node == null || !node.isString()) {
      throw ApiException.invalid(field + " must be a string", field);
    }
    return node.stringValue();
  }

  /** A string or an array of strings. */
  List<String> strings(String field) {
    JsonNode node = get(field);
    List<String> values = new ArrayList<>();
    if (node == null) {
      return values;
    }
    if (node.isString()) {
      values.add(node.stringValue());
      return values;
    }
    if (node.isArray()) {
      for (JsonNode item : node) {
        if (!item.isString()) {
          throw ApiException.invalid(field + " must be a string or an array of strings", field);
        }
        values.add(item.stringValue());
      }
      return values;
    }
    throw ApiException.invalid(field + " must be a string or an array of strings", field);
  }
}
