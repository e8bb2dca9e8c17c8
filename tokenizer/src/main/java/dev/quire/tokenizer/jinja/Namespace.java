package dev.quire.tokenizer.jinja;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Named values with attributes: {@code namespace()} and {@code loop}. */
record Namespace(Map<String, @Nullable Object> values, String type) {
  static final String PLAIN = "Namespace";
  static final String LOOP = "LoopContext";
}
