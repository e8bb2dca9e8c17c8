package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.text.CharClass;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's strings. */
final class StringMethods {
  private StringMethods() {}

  /** The method's callable, or null if strings have no such method here. */
  static @Nullable Callable find(String self, String name, Interpreter interpreter) {
    Callable found = texts(self, name);
    if (found == null) {
      found = places(self, name);
    }
    if (found == null) {
      found = questions(self, name);
    }
    return found == null && name.equals("format")
        ? (args, named) -> new BraceFormat(interpreter, args, named).format(self)
        : found;
  }

  private static @Nullable Callable texts(String self, String name) {
    return switch (name) {
      case "strip", "lstrip", "rstrip" ->
          (args, _) -> {
            Object set = argument(args, 0);
            if (set != null && !(set instanceof String)) {
              throw new JinjaException(name + " arg must be None or str");
            }
            return strip(self, set, !name.startsWith("r"), !name.startsWith("l"));
          };
      case "split", "rsplit" ->
          (args, named) ->
              StringSplits.split(
                  self,
                  args.isEmpty() ? named.get("sep") : args.getFirst(),
                  args.size() > 1 ? args.get(1) : named.get("maxsplit"),
                  name.equals("rsplit"));
      case "splitlines" ->
          (args, named) ->
              StringSplits.lines(
                  self, Values.truth(args.isEmpty() ? named.get("keepends") : args.getFirst()));
      case "partition" -> (args, _) -> StringSplits.partition(self, string(args, 0), false);
      case "rpartition" -> (args, _) -> StringSplits.partition(self, string(args, 0), true);
      case "replace" ->
          (args, named) -> {
            if (args.size() < 2) {
              throw new JinjaException("replace expected at least 2 arguments, got " + args.size());
            }
            return replace(
                self,
                string(args, 0),
                string(args, 1),
                args.size() > 2 ? args.get(2) : named.get("count"));
          };
      case "removeprefix" ->
          (args, _) ->
              self.startsWith(string(args, 0)) ? self.substring(string(args, 0).length()) : self;
      case "removesuffix" ->
          (args, _) ->
              self.endsWith(string(args, 0))
                  ? self.substring(0, self.length() - string(args, 0).length())
                  : self;
      case "upper" -> plain(name, self.toUpperCase(Locale.ROOT));
      case "lower" -> plain(name, self.toLowerCase(Locale.ROOT));
      case "casefold" -> plain(name, self.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
      case "capitalize" -> plain(name, capitalize(self));
      case "title" -> plain(name, title(self));
      case "swapcase" -> plain(name, swapped(self));
      case "center" -> (args, _) -> padded(self, args, '^');
      case "ljust" -> (args, _) -> padded(self, args, '<');
      case "rjust" -> (args, _) -> padded(self, args, '>');
      case "zfill" ->
          (args, _) -> {
            int width = Math.clamp(Values.index(needed(args, name)), 0, FormatSpec.WIDEST);
            boolean signed = self.startsWith("-") || self.startsWith("+");
            String digits = signed ? self.substring(1) : self;
            String sign = signed ? self.substring(0, 1) : "";
            return sign + FormatSpec.pad(digits, '>', '0', width - sign.length());
          };
      case "expandtabs" ->
          (args, _) ->
              StringSplits.expandTabs(
                  self, args.isEmpty() ? 8 : Math.clamp(Values.index(args.getFirst()), 0, 1000));
      case "join" -> (args, _) -> joined(self, needed(args, name));
      default -> null;
    };
  }

  private static @Nullable Callable places(String self, String name) {
    return switch (name) {
      case "find", "rfind", "index", "rindex" ->
          (args, _) -> {
            Window window = Window.of(self, args);
            String part = string(args, 0);
            int at = name.startsWith("r") ? window.last(part) : window.first(part);
            if (at < 0 && name.endsWith("index")) {
              throw new JinjaException("substring not found");
            }
            return at < 0 ? -1L : (long) self.codePointCount(0, at);
          };
      case "count" -> (args, _) -> Window.of(self, args).count(string(args, 0));
      case "startswith", "endswith" ->
          (args, _) -> {
            if (args.isEmpty()) {
              throw new JinjaException(name + "() takes at least 1 argument (0 given)");
            }
            Window window = Window.of(self, args);
            Object wanted = Safe.plain(args.getFirst());
            if (!(wanted instanceof String) && !(wanted instanceof Tuple)) {
              throw new JinjaException(
                  name + " first arg must be str or a tuple of str, not " + Values.type(wanted));
            }
            List<?> several = wanted instanceof Tuple tuple ? tuple : List.of(wanted);
            return several.stream()
                .anyMatch(each -> window.has(Values.text(each), name.startsWith("s")));
          };
      default -> null;
    };
  }

  private static @Nullable Callable questions(String self, String name) {
    return switch (name) {
      case "isdigit" -> plain(name, all(self, StringMethods::isDigit));
      case "isdecimal" -> plain(name, all(self, StringMethods::isDecimal));
      case "isnumeric" -> plain(name, all(self, StringMethods::isNumeric));
      case "isalpha" -> plain(name, all(self, Character::isLetter));
      case "isalnum" -> plain(name, all(self, c -> Character.isLetter(c) || isNumeric(c)));
      case "isspace" -> plain(name, all(self, c -> isSpace(c)));
      case "isupper" -> plain(name, isUpper(self));
      case "islower" -> plain(name, isLower(self));
      case "istitle" ->
          plain(name, self.equals(title(self)) && self.codePoints().anyMatch(Character::isLetter));
      case "isascii" -> plain(name, self.chars().allMatch(c -> c < 0x80));
      case "isprintable" -> plain(name, self.codePoints().allMatch(Printer::printable));
      case "isidentifier" ->
          plain(
              name,
              !self.isEmpty()
                  && (self.charAt(0) == '_'
                      || Character.isUnicodeIdentifierStart(self.codePointAt(0)))
                  && self.codePoints().skip(1).allMatch(Character::isUnicodeIdentifierPart));
      default -> null;
    };
  }

  /** A method without arguments. */
  private static Callable plain(String name, Object result) {
    return (args, _) -> {
      if (!args.isEmpty()) {
        throw new JinjaException(
            "str." + name + "() takes no arguments (" + args.size() + " given)");
      }
      return result;
    };
  }

  static @Nullable Object argument(List<@Nullable Object> arguments, int index) {
    return index < arguments.size() ? Safe.plain(arguments.get(index)) : null;
  }

  private static @Nullable Object needed(List<@Nullable Object> arguments, String name) {
    if (arguments.size() != 1) {
      throw new JinjaException(
          "str." + name + "() takes exactly one argument (" + arguments.size() + " given)");
    }
    return arguments.getFirst();
  }

  private static String string(List<@Nullable Object> arguments, int index) {
    Object argument = argument(arguments, index);
    if (argument instanceof String text) {
      return text;
    }
    Values.refuseUndefined(argument);
    throw new JinjaException("must be str, not " + Values.type(argument));
  }

  private static String padded(String self, List<@Nullable Object> args, char align) {
    int width = Math.clamp(Values.index(argument(args, 0)), 0, FormatSpec.WIDEST);
    String fill = args.size() > 1 ? string(args, 1) : " ";
    if (fill.length() != 1) {
      throw new JinjaException("The fill character must be exactly one character long");
    }
    return align == '^'
        ? center(self, width, fill.charAt(0))
        : FormatSpec.pad(self, align, fill.charAt(0), width);
  }

  /** The odd blank goes left where the width is odd, as in Python. */
  static String center(String self, int width, char fill) {
    int length = self.codePointCount(0, self.length());
    int missing = width - length;
    if (missing <= 0) {
      return self;
    }
    int before = missing / 2 + (missing & width & 1);
    String unit = String.valueOf(fill);
    return unit.repeat(before) + self + unit.repeat(missing - before);
  }

  private static String joined(String self, @Nullable Object parts) {
    if (!(parts instanceof List
        || parts instanceof Map
        || parts instanceof Generated
        || parts instanceof String)) {
      throw new JinjaException("can only join an iterable");
    }
    StringBuilder out = new StringBuilder();
    int place = 0;
    for (Object item : Values.items(parts)) {
      if (!(Safe.plain(item) instanceof String text)) {
        throw new JinjaException(
            "sequence item %d: expected str instance, %s found"
                .formatted(place, Values.type(item)));
      }
      out.append(place++ == 0 ? "" : self).append(text);
      if (out.length() > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    return out.toString();
  }

  static String strip(String self, @Nullable Object characters, boolean left, boolean right) {
    String set = characters == null ? null : Values.text(characters);
    int start = 0;
    int end = self.length();
    while (left && start < end && stripped(self.codePointAt(start), set)) {
      start += Character.charCount(self.codePointAt(start));
    }
    while (right && end > start && stripped(self.codePointBefore(end), set)) {
      end -= Character.charCount(self.codePointBefore(end));
    }
    return self.substring(start, end);
  }

  private static boolean stripped(int c, @Nullable String set) {
    return set != null ? set.indexOf(c) >= 0 : isSpace(c);
  }

  static boolean isSpace(int c) {
    return c < 0x10000 && CharClass.isSpace((char) c) || c >= 0x1C && c <= 0x1F;
  }

  static String replace(String self, String from, String to, @Nullable Object most) {
    long given = most == null ? -1 : Values.index(most);
    long limit = given < 0 ? Long.MAX_VALUE : given;
    StringBuilder out = new StringBuilder();
    int start = 0;
    for (long n = 0; n < limit; n++) {
      int at = self.indexOf(from, start);
      if (at < 0) {
        break;
      }
      out.append(self, start, at).append(to);
      start = at + from.length();
      if (from.isEmpty()) {
        if (start == self.length()) {
          return out.toString();
        }
        int next = self.offsetByCodePoints(start, 1);
        out.append(self, start, next);
        start = next;
      }
      if (out.length() > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    return out.append(self.substring(start)).toString();
  }

  static String capitalize(String self) {
    if (self.isEmpty()) {
      return self;
    }
    int first = self.offsetByCodePoints(0, 1);
    return titled(self.codePointAt(0)) + self.substring(first).toLowerCase(Locale.ROOT);
  }

  /** A character as a title begins with it. */
  private static String titled(int c) {
    int title = Character.toTitleCase(c);
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    return title != c || upper.codePointCount(0, upper.length()) == 1
        ? Character.toString(title)
        : upper.substring(0, 1) + upper.substring(1).toLowerCase(Locale.ROOT);
  }

  private static String title(String self) {
    StringBuilder out = new StringBuilder();
    boolean inside = false;
    for (int i = 0; i < self.length(); ) {
      int c = self.codePointAt(i);
      out.append(inside ? Character.toString(c).toLowerCase(Locale.ROOT) : titled(c));
      inside = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
      i += Character.charCount(c);
    }
    return out.toString();
  }

  private static String swapped(String self) {
    StringBuilder out = new StringBuilder();
    self.codePoints()
        .forEach(
            c -> {
              String one = Character.toString(c);
              out.append(
                  Character.isUpperCase(c)
                      ? one.toLowerCase(Locale.ROOT)
                      : one.toUpperCase(Locale.ROOT));
            });
    return out.toString();
  }

  private static boolean all(String self, IntPredicate test) {
    return !self.isEmpty() && self.codePoints().allMatch(test);
  }

  static boolean isUpper(String self) {
    return self.codePoints().anyMatch(Character::isUpperCase)
        && self.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }

  static boolean isLower(String self) {
    return self.codePoints().anyMatch(Character::isLowerCase)
        && self.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  private static boolean isDecimal(int c) {
    return Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER;
  }

  /** Decimal digits, and those that are raised, lowered or circled. */
  private static boolean isDigit(int c) {
    return isDecimal(c)
        || c == 0xB2
        || c == 0xB3
        || c == 0xB9
        || c == 0x2070
        || c >= 0x2074 && c <= 0x2079
        || c >= 0x2080 && c <= 0x2089
        || c >= 0x2460 && c <= 0x2468;
  }

  private static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER;
  }

  /** The part of a string that a search looks at, from its second and third argument. */
  private record Window(String self, int from, int to) {
    static Window of(String self, List<@Nullable Object> args) {
      int length = self.codePointCount(0, self.length());
      int from = bound(argument(args, 1), 0, length);
      int to = bound(argument(args, 2), length, length);
      int start = self.offsetByCodePoints(0, Math.min(from, length));
      return new Window(
          self, from > length || from > to ? -1 : start, self.offsetByCodePoints(0, to));
    }

    private static int bound(@Nullable Object value, int fallback, int length) {
      if (value == null) {
        return fallback;
      }
      long given = Values.index(value);
      long place = given < 0 ? Math.max(0, given + length) : given;
      return (int) Math.min(place, fallback == 0 ? length + 1L : length);
    }

    int first(String part) {
      int at = from < 0 ? -1 : self.indexOf(part, from);
      return at >= 0 && at + part.length() <= to ? at : -1;
    }

    int last(String part) {
      int at = from < 0 ? -1 : self.lastIndexOf(part, to - part.length());
      return at >= from ? at : -1;
    }

    boolean has(String part, boolean atStart) {
      return from >= 0
          && to - from >= part.length()
          && self.startsWith(part, atStart ? from : to - part.length());
    }

    long count(String part) {
      if (from < 0) {
        return 0;
      }
      if (part.isEmpty()) {
        return self.codePointCount(from, to) + 1L;
      }
      long count = 0;
      for (int at = self.indexOf(part, from);
          at >= 0 && at + part.length() <= to;
          at = self.indexOf(part, at + part.length())) {
        count++;
      }
      return count;
    }
  }
}
