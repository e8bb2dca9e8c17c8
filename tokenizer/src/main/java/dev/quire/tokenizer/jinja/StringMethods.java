package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's strings. */
final class StringMethods {
  private StringMethods() {}

  /** The method's callable, or null if strings have no such method here. */
  static @Nullable Callable find(String self, String name) {
    return switch (name) {
      case "strip", "lstrip", "rstrip" ->
          (args, _) -> strip(self, argument(args, 0), !name.startsWith("r"), !name.startsWith("l"));
      case "split", "rsplit" ->
          (args, named) ->
              split(
                  self,
                  args.isEmpty() ? named.get("sep") : args.getFirst(),
                  args.size() > 1 ? args.get(1) : named.get("maxsplit"),
                  name.equals("rsplit"));
      case "splitlines" -> (args, _) -> lines(self, Values.truth(argument(args, 0)));
      case "replace" ->
          (args, _) -> replace(self, string(args, 0), string(args, 1), argument(args, 2));
      case "startswith" -> (args, _) -> any(args, self::startsWith);
      case "endswith" -> (args, _) -> any(args, self::endsWith);
      case "removeprefix" ->
          (args, _) ->
              self.startsWith(string(args, 0)) ? self.substring(string(args, 0).length()) : self;
      case "removesuffix" ->
          (args, _) ->
              self.endsWith(string(args, 0))
                  ? self.substring(0, self.length() - string(args, 0).length())
                  : self;
      case "upper" -> (_, _) -> self.toUpperCase(Locale.ROOT);
      case "lower", "casefold" -> (_, _) -> self.toLowerCase(Locale.ROOT);
      case "capitalize" -> (_, _) -> capitalize(self);
      case "title" -> (_, _) -> title(self);
      case "join" ->
          (args, _) ->
              String.join(
                  self,
                  Values.items(argument(args, 0)).stream()
                      .map(
                          item -> {
                            if (item instanceof String text) {
                              return text;
                            }
                            throw new JinjaException(
                                "sequence item: expected str instance, "
                                    + Values.type(item)
                                    + " found");
                          })
                      .toList());
      case "find" -> (args, _) -> position(self, self.indexOf(string(args, 0)));
      case "rfind" -> (args, _) -> position(self, self.lastIndexOf(string(args, 0)));
      case "index" ->
          (args, _) -> {
            int at = self.indexOf(string(args, 0));
            if (at < 0) {
              throw new JinjaException("substring not found");
            }
            return position(self, at);
          };
      case "count" -> (args, _) -> count(self, string(args, 0));
      case "isdigit", "isnumeric", "isdecimal" -> (_, _) -> all(self, Character::isDigit);
      case "isalpha" -> (_, _) -> all(self, Character::isLetter);
      case "isalnum" -> (_, _) -> all(self, Character::isLetterOrDigit);
      case "isspace" -> (_, _) -> all(self, Character::isWhitespace);
      case "isupper" ->
          (_, _) ->
              self.equals(self.toUpperCase(Locale.ROOT))
                  && !self.equals(self.toLowerCase(Locale.ROOT));
      case "islower" ->
          (_, _) ->
              self.equals(self.toLowerCase(Locale.ROOT))
                  && !self.equals(self.toUpperCase(Locale.ROOT));
      case "zfill" ->
          (args, _) -> {
            long missing = Values.integer(argument(args, 0)) - self.length();
            return "0".repeat((int) Math.clamp(missing, 0, 1000)) + self;
          };
      case "format" -> (args, named) -> format(self, args, named);
      case "partition" ->
          (args, _) -> {
            int at = self.indexOf(string(args, 0));
            return at < 0
                ? List.of(self, "", "")
                : List.of(
                    self.substring(0, at),
                    string(args, 0),
                    self.substring(at + string(args, 0).length()));
          };
      default -> null;
    };
  }

  private static long position(String self, int index) {
    return index < 0 ? -1 : self.codePointCount(0, index);
  }

  static @Nullable Object argument(List<@Nullable Object> arguments, int index) {
    return index < arguments.size() ? arguments.get(index) : null;
  }

  private static String string(List<@Nullable Object> arguments, int index) {
    if (argument(arguments, index) instanceof String text) {
      return text;
    }
    throw new JinjaException("must be str, not " + Values.type(argument(arguments, index)));
  }

  private static boolean any(
      List<@Nullable Object> arguments, java.util.function.Predicate<String> test) {
    Object wanted = argument(arguments, 0);
    return wanted instanceof List<?> several
        ? several.stream().anyMatch(each -> test.test(Values.text(each)))
        : test.test(string(arguments, 0));
  }

  private static boolean all(String self, IntPredicate test) {
    return !self.isEmpty() && self.codePoints().allMatch(test);
  }

  static String strip(String self, @Nullable Object characters, boolean left, boolean right) {
    String set = characters == null ? null : Values.text(characters);
    int start = 0;
    int end = self.length();
    while (left && start < end && stripped(self.charAt(start), set)) {
      start++;
    }
    while (right && end > start && stripped(self.charAt(end - 1), set)) {
      end--;
    }
    return self.substring(start, end);
  }

  private static boolean stripped(char c, @Nullable String set) {
    return set != null
        ? set.indexOf(c) >= 0
        : dev.quire.tokenizer.text.CharClass.isSpace(c) || c >= 0x1C && c <= 0x1F;
  }

  private static List<Object> split(
      String self, @Nullable Object separator, @Nullable Object most, boolean fromRight) {
    long limit = most == null ? -1 : Values.integer(most);
    List<Object> parts = new ArrayList<>();
    if (separator == null) {
      String rest = strip(self, null, true, fromRight || limit < 0);
      while (!rest.isEmpty() && (limit < 0 || parts.size() < limit)) {
        int end = 0;
        while (end < rest.length() && !stripped(rest.charAt(end), null)) {
          end++;
        }
        parts.add(rest.substring(0, end));
        rest = strip(rest.substring(end), null, true, false);
      }
      if (!rest.isEmpty()) {
        parts.add(rest);
      }
      return parts;
    }
    String by = Values.text(separator);
    if (by.isEmpty()) {
      throw new JinjaException("empty separator");
    }
    if (fromRight) {
      int end = self.length();
      for (int at; (limit < 0 || parts.size() < limit) && end >= by.length(); end = at) {
        at = self.lastIndexOf(by, end - by.length());
        if (at < 0) {
          break;
        }
        parts.addFirst(self.substring(at + by.length(), end));
      }
      parts.addFirst(self.substring(0, end));
      return parts;
    }
    int start = 0;
    for (int at; limit < 0 || parts.size() < limit; start = at + by.length()) {
      at = self.indexOf(by, start);
      if (at < 0) {
        break;
      }
      parts.add(self.substring(start, at));
    }
    parts.add(self.substring(start));
    return parts;
  }

  private static List<Object> lines(String self, boolean keepEnds) {
    List<Object> lines = new ArrayList<>();
    int start = 0;
    while (start < self.length()) {
      int end = start;
      while (end < self.length() && self.charAt(end) != '\n' && self.charAt(end) != '\r') {
        end++;
      }
      int next = Math.min(self.length(), self.startsWith("\r\n", end) ? end + 2 : end + 1);
      lines.add(self.substring(start, keepEnds ? next : end));
      start = next;
    }
    return lines;
  }

  static String replace(String self, String from, String to, @Nullable Object most) {
    long limit = most == null ? -1 : Values.integer(most);
    if (limit < 0) {
      if (from.isEmpty() || (double) self.length() / from.length() * to.length() < Budget.SIZE) {
        return self.replace(from, to);
      }
      throw new JinjaException("a text is too large");
    }
    StringBuilder out = new StringBuilder();
    int start = 0;
    for (long n = 0; n < limit; n++) {
      int at = self.indexOf(from, start);
      if (at < 0 || from.isEmpty()) {
        break;
      }
      out.append(self, start, at).append(to);
      start = at + from.length();
    }
    return out.append(self.substring(start)).toString();
  }

  private static long count(String self, String part) {
    long count = 0;
    for (int at = self.indexOf(part);
        at >= 0 && !part.isEmpty();
        at = self.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  static String capitalize(String self) {
    if (self.isEmpty()) {
      return self;
    }
    int first = self.offsetByCodePoints(0, 1);
    return self.substring(0, first).toUpperCase(Locale.ROOT)
        + self.substring(first).toLowerCase(Locale.ROOT);
  }

  static String title(String self) {
    StringBuilder out = new StringBuilder();
    boolean inside = false;
    for (int i = 0; i < self.length(); i++) {
      char c = self.charAt(i);
      out.append(inside ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inside = Character.isLetter(c);
    }
    return out.toString();
  }

  /** {@code format % values} with %s, %d, %r and %f. */
  static String percent(String format, @Nullable Object values) {
    List<?> items = values instanceof List<?> list ? list : java.util.Arrays.asList(values);
    StringBuilder out = new StringBuilder();
    int next = 0;
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      int end = i + 1;
      while (end < format.length() - 1 && "0123456789.-+".indexOf(format.charAt(end)) >= 0) {
        end++;
      }
      char conversion = format.charAt(end);
      if (conversion == '%') {
        out.append('%');
      } else if (next >= items.size()) {
        throw new JinjaException("not enough arguments for format string");
      } else {
        out.append(convert(format.substring(i + 1, end), conversion, items.get(next++)));
      }
      i = end;
    }
    return out.toString();
  }

  private static String convert(String flags, char conversion, @Nullable Object value) {
    if (flags.length() > 6) {
      throw new JinjaException("unsupported format “%" + flags + conversion + "”");
    }
    try {
      return switch (conversion) {
        case 's' -> String.format("%" + flags + "s", Values.text(value));
        case 'd', 'i' -> String.format("%" + flags + "d", Values.integer(value));
        case 'f' -> String.format(Locale.ROOT, "%" + flags + "f", Values.number(value));
        default -> throw new JinjaException("unsupported format character '" + conversion + "'");
      };
    } catch (java.util.IllegalFormatException e) {
      throw new JinjaException("unsupported format “%" + flags + conversion + "”");
    }
  }

  private static String format(
      String self,
      List<@Nullable Object> arguments,
      java.util.Map<String, @Nullable Object> named) {
    StringBuilder out = new StringBuilder();
    int next = 0;
    for (int i = 0; i < self.length(); i++) {
      char c = self.charAt(i);
      if ((c == '{' || c == '}') && i + 1 < self.length() && self.charAt(i + 1) == c) {
        out.append(c);
        i++;
      } else if (c == '{') {
        int close = self.indexOf('}', i);
        String field = close < 0 ? "?" : self.substring(i + 1, close);
        boolean numbered = !field.isEmpty() && field.chars().allMatch(Character::isDigit);
        if (field.isEmpty() || numbered && field.length() < 6) {
          int index = numbered ? Integer.parseInt(field) : next++;
          if (index >= arguments.size()) {
            throw new JinjaException("Replacement index " + index + " out of range");
          }
          out.append(Values.text(arguments.get(index)));
        } else if (named.containsKey(field)) {
          out.append(Values.text(named.get(field)));
        } else {
          throw new JinjaException("unsupported replacement field '" + field + "'");
        }
        i = close;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }
}
