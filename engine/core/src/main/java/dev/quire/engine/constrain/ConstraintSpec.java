package dev.quire.engine.constrain;

import java.util.List;

/** What a text must match, as a user writes it down. */
public sealed interface ConstraintSpec {
  /** A JSON object of any shape. */
  record JsonObject() implements ConstraintSpec {}

  /**
   * JSON that is valid against a schema.
   *
   * @param schema JSON Schema, draft 2020-12 or the like, as JSON text
   */
  record JsonSchema(String schema) implements ConstraintSpec {}

  /** The whole text matches a regular expression, in the common syntax without look-around. */
  record Regex(String pattern) implements ConstraintSpec {}

  /** One of these texts. */
  record Choice(List<String> texts) implements ConstraintSpec {
    public Choice {
      texts = List.copyOf(texts);
    }
  }

  /** A context-free grammar in llama.cpp's GBNF notation, beginning with the rule {@code root}. */
  record Gbnf(String grammar) implements ConstraintSpec {}

  /**
   * Text up to a marker, then, after the marker, something that matches; or text without the
   * marker.
   *
   * @param marker begins the constrained part; not empty
   * @param body what follows the marker
   */
  record AfterMarker(String marker, ConstraintSpec body) implements ConstraintSpec {}
}
