package dev.quire.weights.gguf;

import org.jspecify.annotations.Nullable;

/** The types of metadata values, with their numbers in the format. */
public enum ValueType {
  UINT8(0, 1, "u8"),
  INT8(1, 1, "i8"),
  UINT16(2, 2, "u16"),
  INT16(3, 2, "i16"),
  UINT32(4, 4, "u32"),
  INT32(5, 4, "i32"),
  FLOAT32(6, 4, "f32"),
  BOOL(7, 1, "bool"),
  STRING(8, 0, "string"),
  ARRAY(9, 0, "array"),
  UINT64(10, 8, "u64"),
  INT64(11, 8, "i64"),
  FLOAT64(12, 8, "f64");

  private static final ValueType[] BY_ID = new ValueType[13];

  static {
    for (ValueType type : values()) {
      BY_ID[type.id] = type;
    }
  }

  private final int id;
  private final int bytes;
  private final String label;

  ValueType(int id, int bytes, String label) {
    this.id = id;
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
    return id;
  }

  static @Nullable ValueType ofId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }
}
