package dev.quire.weights.gguf;

import org.jspecify.annotations.Nullable;

/** The types of metadata values, in the order of their numbers in the format. */
public enum ValueType {
  UINT8(1, "u8"),
  INT8(1, "i8"),
  UINT16(2, "u16"),
  INT16(2, "i16"),
  UINT32(4, "u32"),
  INT32(4, "i32"),
  FLOAT32(4, "f32"),
  BOOL(1, "bool"),
  STRING(0, "string"),
  ARRAY(0, "array"),
  UINT64(8, "u64"),
  INT64(8, "i64"),
  FLOAT64(8, "f64");

  private static final ValueType[] BY_ID = values();

  private final int bytes;
  private final String label;

  ValueType(int bytes, String label) {
    this.bytes = bytes;
    this.label = label;
  }

  /** The type's short name. */
  public String label() {
    return label;
  }

  /** The size of a value in bytes; 0 where values differ in size. */
  int bytes() {
    return bytes;
  }

  boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      default -> false;
    };
  }

  boolean isFloat() {
    return this == FLOAT32 || this == FLOAT64;
  }

  int id() {
    return ordinal();
  }

  static @Nullable ValueType ofId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }
}
