package dev.quire.tokenizer.jinja;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Named values with attributes: {@code namespace()}, {@code loop} and {@code self}. */
record Namespace(Map<String, @Nullable Object> values, String type) {
  static final String PLAIN = "Namespace";
  static final String LOOP = "LoopContext";

  /** The template's blocks. */
  static final String SELF = "TemplateReference";

  /** The type's name as Jinja's messages have it. */
  String owner() {
    return (type.equals(LOOP) || type.equals(SELF) ? "jinja2.runtime." : "jinja2.utils.")
        + type
        + " object";
  }
}
