package dev.quire.tokenizer.chat;

import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Times as the GNU C library's {@code strftime} writes them in the C locale. */
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
      char flag = 0;
      if ("-_0^".indexOf(field) >= 0 && i + 1 < format.length()) {
        flag = field;
        field = format.charAt(++i);
      }
      out.append(flagged(field(time, field), flag));
    }
    return out.toString();
  }

  private static String flagged(String text, char flag) {
    return switch (flag) {
      case '-' -> text.replaceFirst("^[0 ]+(?=.)", "");
      case '_' -> {
        String bare = text.replaceFirst("^0+(?=.)", "");
        yield " ".repeat(text.length() - bare.length()) + bare;
      }
      case '0' -> text.replaceFirst("^ ", "0");
      case '^' -> text.toUpperCase(Locale.ROOT);
      default -> text;
    };
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
          case 'T', 'X' -> "HH:mm:ss";
          case 'D', 'x' -> "MM/dd/uu";
          case 'R' -> "HH:mm";
          case 'r' -> "hh:mm:ss a";
          default -> "";
        };
    if (!pattern.isEmpty()) {
      return time.format(DateTimeFormatter.ofPattern(pattern, Locale.US));
    }
    int weekday = time.getDayOfWeek().getValue();
    int day = time.getDayOfYear();
    return switch (field) {
      case 'c' -> format(time, "%a %b ") + format(time, "%e") + format(time, " %H:%M:%S %Y");
      case 'e' -> "%2d".formatted(time.getDayOfMonth());
      case 'k' -> "%2d".formatted(time.getHour());
      case 'l' -> "%2d".formatted((time.getHour() + 11) % 12 + 1);
      case 'P' -> time.getHour() < 12 ? "am" : "pm";
      case 'w' -> String.valueOf(weekday % 7);
      case 'u' -> String.valueOf(weekday);
      case 'U' -> "%02d".formatted((day + 6 - weekday % 7) / 7);
      case 'W' -> "%02d".formatted((day + 6 - (weekday - 1)) / 7);
      case 'V' -> "%02d".formatted(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
      case 'G' -> String.valueOf(time.get(IsoFields.WEEK_BASED_YEAR));
      case 'g' -> "%02d".formatted(time.get(IsoFields.WEEK_BASED_YEAR) % 100);
      case 'C' -> "%02d".formatted(time.getYear() / 100);
      case 's' -> String.valueOf(time.toEpochSecond(ZoneOffset.UTC));
      case 'n' -> "\n";
      case 't' -> "\t";
      case '%' -> "%";
      // A time without a zone names none.
      case 'Z', 'z' -> "";
      default -> "%" + field;
    };
  }
}
