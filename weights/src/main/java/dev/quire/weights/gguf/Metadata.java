package dev.quire.weights.gguf;

import dev.quire.weights.WeightsException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The typed key–value pairs of a GGUF file, in the file's order. Immutable.
 *
 * <p>A getter without a default throws a {@link WeightsException} if the key is missing; every
 * getter throws one if the value is of another kind or doesn't fit the result. All integer types
 * count as one kind, and so do both floating-point types; where a floating-point number is asked
 * for, an integer will do.
 */
public final class Metadata {
  /** A value as {@link Cursor#value} gives it, with its type in the file. */
  record Entry(ValueType type, Object value) {}

  private final Path source;
  private final Map<String, Entry> entries;

  Metadata(Path source, Map<String, Entry> entries) {
    this.source = source;
    this.entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
  }

  /** No entries, of no file. */
  public static MetadataBuilder builder() {
    return new MetadataBuilder();
  }

  public boolean has(String key) {
    return entries.containsKey(key);
  }

  public Set<String> keys() {
    return entries.keySet();
  }

  public String string(String key) {
    Entry entry = required(key);
    if (entry.value instanceof String s) {
      return s;
    }
    throw wrongKind(key, "a string");
  }

  public String string(String key, String fallback) {
    return has(key) ? string(key) : fallback;
  }

  public int integer(String key) {
    long value = longInteger(key);
    if (value != (int) value) {
      throw WeightsException.in(
          source, "metadata '%s' is %d, beyond 32 bits".formatted(key, value));
    }
    return (int) value;
  }

  public int integer(String key, int fallback) {
    return has(key) ? integer(key) : fallback;
  }

  /** An integer of up to 64 bits. */
  public long longInteger(String key) {
    Entry entry = required(key);
    if (entry.value instanceof Long l) {
      if (entry.type == ValueType.UINT64 && l < 0) {
        throw WeightsException.in(
            source, "metadata '%s' is %s, beyond 63 bits".formatted(key, unsigned(l)));
      }
      return l;
    }
    throw wrongKind(key, "an integer");
  }

  public long longInteger(String key, long fallback) {
    return has(key) ? longInteger(key) : fallback;
  }

  public float number(String key) {
    Entry entry = required(key);
    return switch (entry.value) {
      case Float f -> f;
      case Double d -> d.floatValue();
      case Long _ -> (float) longInteger(key);
      default -> throw wrongKind(key, "a number");
    };
  }

  public float number(String key, float fallback) {
    return has(key) ? number(key) : fallback;
  }

  public boolean flag(String key) {
    Entry entry = required(key);
    if (entry.value instanceof Boolean b) {
      return b;
    }
    throw wrongKind(key, "a boolean");
  }

  public boolean flag(String key, boolean fallback) {
    return has(key) ? flag(key) : fallback;
  }

  /** An array of strings, unmodifiable; decoded anew at every call. */
  public List<String> strings(String key) {
    Entry entry = required(key);
    if (entry.value instanceof MetadataArray a && a.elementType() == ValueType.STRING) {
      return a.strings();
    }
    throw wrongKind(key, "an array of strings");
  }

  /** An array of strings in UTF-8, as the file has them; decoded anew at every call. */
  public byte[][] utf8Strings(String key) {
    Entry entry = required(key);
    if (entry.value instanceof MetadataArray a && a.elementType() == ValueType.STRING) {
      return a.utf8Strings();
    }
    throw wrongKind(key, "an array of strings");
  }

  /** An array of integers; a single integer counts as an array of one. Decoded at every call. */
  public int[] integers(String key) {
    Entry entry = required(key);
    if (entry.value instanceof Long) {
      return new int[] {integer(key)};
    }
    if (entry.value instanceof MetadataArray a && a.elementType() == ValueType.BOOL) {
      return a.values().stream().mapToInt(v -> (Boolean) v ? 1 : 0).toArray();
    }
    if (entry.value instanceof MetadataArray a && a.elementType().isInteger()) {
      long[] longs = a.integers();
      int[] values = new int[longs.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = (int) longs[i];
        if (values[i] != longs[i]) {
          throw WeightsException.in(
              source, "metadata '%s'[%d] is %d, beyond 32 bits".formatted(key, i, longs[i]));
        }
      }
      return values;
    }
    throw wrongKind(key, "an array of integers");
  }

  /** An array of floating-point numbers; a single number counts as an array of one. */
  public float[] numbers(String key) {
    Entry entry = required(key);
    if (entry.value instanceof Float || entry.value instanceof Double) {
      return new float[] {number(key)};
    }
    if (entry.value instanceof MetadataArray a && a.elementType().isFloat()) {
      return a.floats();
    }
    throw wrongKind(key, "an array of numbers");
  }

  /**
   * A value of any type: Long (BigInteger beyond 63 bits), Float, Double, Boolean, String, or a
   * List of these or of lists; null if the key is missing.
   */
  public @Nullable Object raw(String key) {
    Entry entry = entries.get(key);
    return entry == null ? null : plain(entry.type, entry.value);
  }

  /** The type of a value as people write it ({@code u32}, {@code [string; 4096]}). */
  public String typeName(String key) {
    Entry entry = required(key);
    return entry.value instanceof MetadataArray a
        ? "[%s; %d]".formatted(a.elementType().label(), a.count())
        : entry.type.label();
  }

  /** How many elements the array of a key has; 1 for a value that is no array. */
  public long count(String key) {
    return required(key).value instanceof MetadataArray a ? a.count() : 1;
  }

  private static Object plain(ValueType type, Object value) {
    if (value instanceof MetadataArray array) {
      var list = new ArrayList<>();
      for (Object element : array.values()) {
        list.add(plain(array.elementType(), element));
      }
      return Collections.unmodifiableList(list);
    }
    return type == ValueType.UINT64 && value instanceof Long l && l < 0 ? unsigned(l) : value;
  }

  private static BigInteger unsigned(long bits) {
    return new BigInteger(Long.toUnsignedString(bits));
  }

  Map<String, Entry> entries() {
    return entries;
  }

  private Entry required(String key) {
    Entry entry = entries.get(key);
    if (entry == null) {
      throw WeightsException.in(source, "metadata '%s' is missing".formatted(key));
    }
    return entry;
  }

  private WeightsException wrongKind(String key, String wanted) {
    return WeightsException.in(
        source, "metadata '%s' is %s where %s is needed".formatted(key, typeName(key), wanted));
  }
}
