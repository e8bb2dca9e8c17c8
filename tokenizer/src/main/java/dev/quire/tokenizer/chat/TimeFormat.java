package dev.quire.tokenizer.chat;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Times as C's {@code strftime} writes them in the C locale. */
final class TimeFormat {
  private TimeFormat() {}

  static String format(LocalDateTime time, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char field = format.charAt(++i);
      boolean bare = field == '-' && i + 1 < format.length();
      if (bare) {
        field = format.charAt(++i);
      }
      String text = field(time, field);
      out.append(bare && text.startsWith("0") && text.length() > 1 ? text.substring(1) : text);
    }
    return out.toString();
  }

  private static String field(LocalDateTime time, char field) {
    String pattern =
        switch (field) {
          case 'Y' -> "uuuu";
          case 'y' -> "uu";
          case 'm' -> "MM";
          case 'd' -> "dd";
          case 'H' -> "HH";
          case 'I' -> "hh";
          case 'M' -> "mm";
          case 'S' -> "ss";
          case 'f' -> "SSSSSS";
          case 'j' -> "DDD";
          case 'B' -> "MMMM";
          case 'b', 'h' -> "MMM";
          case 'A' -> "EEEE";
          case 'a' -> "EEE";
          case 'p' -> "a";
          case 'F' -> "uuuu-MM-dd";
          case 'T' -> "HH:mm:ss";
          case 'D' -> "MM/dd/uu";
          case 'R' -> "HH:mm";
          default -> "";
        };
    if (!pattern.isEmpty()) {
      return time.format(DateTimeFormatter.ofPattern(pattern, Locale.US));
    }
    return switch (field) {
      case 'e' -> String.format("%2d", time.getDayOfMonth());
      case 'w' -> String.valueOf(time.getDayOfWeek().getValue() % 7);
      case 'u' -> String.valueOf(time.getDayOfWeek().getValue());
      case 'n' -> "\n";
      case 't' -> "\t";
      case '%' -> "%";
      default -> "%" + field;
    };
  }
}
