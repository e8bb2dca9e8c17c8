package dev.quire.tokenizer.jinja;

/** A token of a template; {@code line} counts from 1. */
record Token(Kind kind, String text, int line) {
  enum Kind {
    DATA,
    OUTPUT_BEGIN,
    OUTPUT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind other, String otherText) {
    return kind == other && text.equals(otherText);
  }
}
