package dev.quire.tokenizer.jinja;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A parsed template. Immutable; renders from many threads at once. */
public final class Template {
  private static final int LONGEST_SOURCE = 4_000_000;
  private final Parser.Parsed parsed;

  private Template(Parser.Parsed parsed) {
    this.parsed = parsed;
  }

  /**
   * Parses a template.
   *
   * @throws JinjaException with the line if it is malformed
   */
  public static Template parse(String source) {
    if (source.length() > LONGEST_SOURCE) {
      throw new JinjaException("the template is longer than " + LONGEST_SOURCE + " characters");
    }
    try {
      return new Template(Parser.parse(source));
    } catch (StackOverflowError e) {
      throw new JinjaException("the template is nested too deeply");
    }
  }

  /** A value as a template prints it. */
  public static String text(@Nullable Object value) {
    return Values.text(value);
  }

  /**
   * Renders with these variables: null, Boolean, Long, Double, String, List, Map with string keys,
   * {@link Callable}.
   *
   * @throws JinjaException if the template fails or raises an error
   */
  public String render(Map<String, ? extends @Nullable Object> variables) {
    Scope scope = new Scope(null);
    Interpreter.functions().forEach(scope::set);
    variables.forEach(scope::set);
    try {
      return new Renderer(parsed, scope).render();
    } catch (StackOverflowError e) {
      throw new JinjaException(Budget.TOO_DEEP);
    }
  }
}
