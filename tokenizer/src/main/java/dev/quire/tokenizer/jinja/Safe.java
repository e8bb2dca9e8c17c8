package dev.quire.tokenizer.jinja;

import org.jspecify.annotations.Nullable;

/**
 * Text that a template called safe. What is joined to it gets escaped for HTML, even where nothing
 * else is: so Python's Markup does, and templates are rendered with it. Everything but joining
 * takes it for plain text.
 */
record Safe(String text) {

  /** The value, or the text of a safe one. */
  static @Nullable Object plain(@Nullable Object value) {
    return value instanceof Safe(String text) ? text : value;
  }

  /** The value's text as it is joined to safe text. */
  static String escaped(@Nullable Object value) {
    return value instanceof Safe(String text) ? text : escape(Values.text(value));
  }

  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }
}
