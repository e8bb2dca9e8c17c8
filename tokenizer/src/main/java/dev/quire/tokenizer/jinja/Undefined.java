package dev.quire.tokenizer.jinja;

/** The value of what does not exist: empty in text, false in tests, an error in anything else. */
record Undefined(String message) {
  JinjaException failure() {
    return new JinjaException(message);
  }
}
