package dev.quire.weights.safetensors;

import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The JSON directory of a safetensors file, read as a stream.
 *
 * @param entries in the order of the directory
 * @param metadata the free {@code __metadata__} strings
 */
record SafetensorsHeader(List<Entry> entries, Map<String, String> metadata) {
  private static final int MOST_DIMENSIONS = 8;
  private static final String METADATA = "__metadata__";

  /** One tensor's place; offsets count from the end of the directory. */
  record Entry(String name, TensorType type, long[] shape, long begin, long end) {}

  /** Reads a directory; the caller checks that the places are in the file. */
  static SafetensorsHeader parse(byte[] json, Path file) {
    var factory =
        JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), json)) {
      return new Reader(parser, file).header();
    } catch (JacksonException e) {
      throw new WeightsException(
          "%s: its directory isn't sound JSON: %s".formatted(file, e.getOriginalMessage()), e);
    }
  }

  private static final class Reader {
    private final JsonParser parser;
    private final Path file;

    Reader(JsonParser parser, Path file) {
      this.parser = parser;
      this.file = file;
    }

    SafetensorsHeader header() {
      List<Entry> entries = new ArrayList<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      expect(JsonToken.START_OBJECT, "the directory");
      for (String name = name(); name != null; name = name()) {
        if (name.equals(METADATA)) {
          metadata(metadata);
        } else {
          entries.add(entry(name));
        }
      }
      if (parser.nextToken() != null) {
        throw fault("the directory goes on after its end");
      }
      return new SafetensorsHeader(entries, metadata);
    }

    private void metadata(Map<String, String> metadata) {
      expect(JsonToken.START_OBJECT, METADATA);
      for (String key = name(); key != null; key = name()) {
        expect(JsonToken.VALUE_STRING, METADATA + " '" + key + "'");
        metadata.put(key, parser.getString());
      }
    }

    private Entry entry(String tensor) {
      String what = "tensor '" + tensor + "'";
      String type = null;
      long[] shape = null;
      long[] offsets = null;
      expect(JsonToken.START_OBJECT, what);
      for (String field = name(); field != null; field = name()) {
        switch (field) {
          case "dtype" -> {
            expect(JsonToken.VALUE_STRING, "dtype of " + what);
            type = parser.getString();
          }
          case "shape" -> shape = numbers("shape of " + what, MOST_DIMENSIONS);
          case "data_offsets" -> offsets = numbers("data_offsets of " + what, 2);
          default -> throw fault("%s has an unknown field '%s'".formatted(what, field));
        }
      }
      if (type == null || shape == null || offsets == null || offsets.length != 2) {
        throw fault(what + " lacks dtype, shape or two data_offsets");
      }
      return new Entry(tensor, type(type, what), shape, offsets[0], offsets[1]);
    }

    private TensorType type(String name, String what) {
      try {
        return SafetensorsType.ofName(name);
      } catch (WeightsException e) {
        throw fault(what + ": " + e.getMessage());
      }
    }

    private long[] numbers(String what, int most) {
      expect(JsonToken.START_ARRAY, what);
      long[] numbers = new long[most];
      int count = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || count == most) {
          throw fault("%s isn't an array of up to %d integers".formatted(what, most));
        }
        numbers[count] = parser.getLongValue();
        if (numbers[count++] < 0) {
          throw fault(what + " has a negative number");
        }
      }
      return Arrays.copyOf(numbers, count);
    }

    /** The next field's name, or null at the object's end. */
    private @Nullable String name() {
      return parser.nextToken() == JsonToken.PROPERTY_NAME ? parser.currentName() : null;
    }

    private void expect(JsonToken token, String what) {
      if (parser.nextToken() != token) {
        throw fault(
            "%s isn't %s"
                .formatted(
                    what,
                    switch (token) {
                      case START_OBJECT -> "a JSON object";
                      case START_ARRAY -> "a JSON array";
                      default -> "a string";
                    }));
      }
    }

    private WeightsException fault(String message) {
      return WeightsException.at(
          file, 8 + Objects.requireNonNull(parser.currentLocation()).getByteOffset(), message);
    }
  }
}
