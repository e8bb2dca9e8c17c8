package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The methods of Python's strings that cut them to pieces. */
final class StringSplits {
  private StringSplits() {}

  static List<@Nullable Object> split(
      String self, @Nullable Object separator, @Nullable Object most, boolean fromRight) {
    long given = most == null ? -1 : Values.index(most);
    long limit = given < 0 ? Long.MAX_VALUE : given;
    if (separator == null) {
      return fromRight ? wordsFromRight(self, limit) : words(self, limit);
    }
    if (!(Safe.plain(separator) instanceof String by)) {
      Values.refuseUndefined(separator);
      throw new JinjaException("must be str or None, not " + Values.type(separator));
    }
    if (by.isEmpty()) {
      throw new JinjaException("empty separator");
    }
    return fromRight ? fromRight(self, by, limit) : fromLeft(self, by, limit);
  }

  private static List<@Nullable Object> words(String self, long limit) {
    List<@Nullable Object> parts = new ArrayList<>();
    int at = afterSpace(self, 0);
    while (at < self.length()) {
      int end = at;
      if (parts.size() < limit) {
        while (end < self.length() && !StringMethods.isSpace(self.charAt(end))) {
          end++;
        }
      } else {
        end = self.length();
      }
      parts.add(self.substring(at, end));
      at = afterSpace(self, end);
    }
    return parts;
  }

  private static List<@Nullable Object> wordsFromRight(String self, long limit) {
    List<@Nullable Object> parts = new ArrayList<>();
    int end = beforeSpace(self, self.length());
    while (end > 0) {
      int start = end;
      if (parts.size() < limit) {
        while (start > 0 && !StringMethods.isSpace(self.charAt(start - 1))) {
          start--;
        }
      } else {
        start = 0;
      }
      parts.add(self.substring(start, end));
      end = beforeSpace(self, start);
    }
    Collections.reverse(parts);
    return parts;
  }

  private static int afterSpace(String self, int from) {
    int at = from;
    while (at < self.length() && StringMethods.isSpace(self.charAt(at))) {
      at++;
    }
    return at;
  }

  private static int beforeSpace(String self, int from) {
    int at = from;
    while (at > 0 && StringMethods.isSpace(self.charAt(at - 1))) {
      at--;
    }
    return at;
  }

  private static List<@Nullable Object> fromLeft(String self, String by, long limit) {
    List<@Nullable Object> parts = new ArrayList<>();
    int start = 0;
    for (int at; parts.size() < limit; start = at + by.length()) {
      at = self.indexOf(by, start);
      if (at < 0) {
        break;
      }
      parts.add(self.substring(start, at));
    }
    parts.add(self.substring(start));
    return parts;
  }

  private static List<@Nullable Object> fromRight(String self, String by, long limit) {
    List<@Nullable Object> parts = new ArrayList<>();
    int end = self.length();
    for (int at; parts.size() < limit && end >= by.length(); end = at) {
      at = self.lastIndexOf(by, end - by.length());
      if (at < 0) {
        break;
      }
      parts.add(self.substring(at + by.length(), end));
    }
    parts.add(self.substring(0, end));
    Collections.reverse(parts);
    return parts;
  }

  static Tuple partition(String self, String by, boolean last) {
    if (by.isEmpty()) {
      throw new JinjaException("empty separator");
    }
    int at = last ? self.lastIndexOf(by) : self.indexOf(by);
    if (at < 0) {
      return last ? Tuple.of("", "", self) : Tuple.of(self, "", "");
    }
    return Tuple.of(self.substring(0, at), by, self.substring(at + by.length()));
  }

  /** Lines by all of Python's line ends. */
  static List<@Nullable Object> lines(String self, boolean keepEnds) {
    List<@Nullable Object> lines = new ArrayList<>();
    int start = 0;
    while (start < self.length()) {
      int end = start;
      while (end < self.length()
          && "\n\r\u000B\f\u001C\u001D\u001E\u0085\u2028\u2029".indexOf(self.charAt(end)) < 0) {
        end++;
      }
      int next = Math.min(self.length(), self.startsWith("\r\n", end) ? end + 2 : end + 1);
      lines.add(self.substring(start, keepEnds ? next : end));
      start = next;
    }
    return lines;
  }

  static String expandTabs(String self, int size) {
    StringBuilder out = new StringBuilder();
    int column = 0;
    for (int i = 0; i < self.length(); i++) {
      char c = self.charAt(i);
      if (c == '\t') {
        int blanks = size == 0 ? 0 : size - column % size;
        out.repeat(' ', blanks);
        column += blanks;
      } else {
        out.append(c);
        column = c == '\n' || c == '\r' ? 0 : column + 1;
      }
      if (out.length() > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    return out.toString();
  }
}
