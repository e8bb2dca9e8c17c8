package dev.quire.engine;

import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What the engine refuses or could not do, in one line that a user can act on. */
public final class QuireException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Settings within a text: they are written in camel case, other words are not. */
  private static final Pattern CAMEL_CASE = Pattern.compile("\\b[a-z]+(?:[A-Z][a-zA-Z]*)+\\b");

  /** Whose move it is. */
  public enum Kind {
    /** The request or the options are wrong; sending them again will not help. */
    INVALID,
    /** The queue is full; the same request may be taken later. */
    OVERLOADED,
    /** The engine is closed. */
    CLOSED,
    /** The waiting thread was interrupted; its request was cancelled. */
    INTERRUPTED,
    /** The engine or the device failed while it worked. */
    FAILED
  }

  private final Kind kind;
  private final @Nullable String setting;
  private final String range;
  private final String value;

  public QuireException(Kind kind, String message) {
    this(kind, message, null);
  }

  public QuireException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.setting = null;
    this.range = "";
    this.value = "";
  }

  private QuireException(String setting, String range, String value) {
    super(sentence(setting, range, value));
    this.kind = Kind.INVALID;
    this.setting = setting;
    this.range = range;
    this.value = value;
  }

  /** A refusal of what was asked. */
  public static QuireException invalid(String message) {
    return new QuireException(Kind.INVALID, message);
  }

  /**
   * A refusal of a setting's value.
   *
   * @param setting by its name in Java, such as {@code topP}
   * @param range what it must be
   */
  static QuireException outOfRange(String setting, String range, Object value) {
    return new QuireException(setting, range, String.valueOf(value));
  }

  private static String sentence(String setting, String range, String value) {
    return setting + " must be " + range + "; it is " + value;
  }

  public Kind kind() {
    return kind;
  }

  /** The setting whose value is refused, by its name in Java, such as {@code topP}. */
  public @Nullable String setting() {
    return setting;
  }

  /**
   * The message for someone who knows the settings by other names, such as flags.
   *
   * @param name the other name of one in Java
   */
  public String message(UnaryOperator<String> name) {
    if (setting == null) {
      return String.valueOf(getMessage());
    }
    String other = CAMEL_CASE.matcher(setting).find() ? named(setting, name) : name.apply(setting);
    return sentence(other, named(range, name), value);
  }

  private static String named(String text, UnaryOperator<String> name) {
    return CAMEL_CASE.matcher(text).replaceAll(found -> name.apply(found.group()));
  }
}
