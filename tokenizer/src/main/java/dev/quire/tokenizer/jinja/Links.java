package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Jinja's {@code urlize}: addresses in a text become links, without the punctuation around them.
 *
 * @param shortest how much of an address is shown; null for all
 * @param attributes of the links, but for {@code href}
 * @param schemes beginnings of further addresses
 */
record Links(@Nullable Integer shortest, String attributes, List<String> schemes) {
  private static final int FLAGS = Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CHARACTER_CLASS;
  private static final Pattern WEB =
      Pattern.compile(
          "(?:(?:https?://|www\\.)(?:[\\w%-]++\\.)*+(?:[a-z]{2,63}|xn--[\\w%]{2,59})"
              + "|(?:[\\w%-]{2,63}\\.)++(?:com|net|int|edu|gov|org|info|mil)"
              + "|https?://(?:\\d{1,3}(?:\\.\\d{1,3}){3}"
              + "|\\[(?:[\\da-f]{0,4}:){2}(?:[\\da-f]{0,4}:?){1,6}]))"
              + "(?::\\d{1,5})?(?:[/?#]\\S*+)?",
          FLAGS);
  private static final Pattern MAIL =
      Pattern.compile("\\S+@\\w[\\w.-]*\\.\\w+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern SPACES = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern HEAD = Pattern.compile("(?:[(<]|&lt;)++");
  private static final Pattern SCHEME = Pattern.compile("[\\w.+-]{2,}:(?:/{0,2})");
  private static final List<String> BRACKETS = List.of("(", ")", "<", ">", "&lt;", "&gt;");

  /** The links that a filter's arguments ask for. */
  static Links of(Given given) {
    TreeSet<String> relations = new TreeSet<>(List.of("noopener"));
    for (Object part : words(given.get("rel"))) {
      relations.add(Values.text(part));
    }
    if (given.flag("nofollow")) {
      relations.add("nofollow");
    }
    Object target = given.get("target");
    String attributes = " rel=\"" + Safe.escape(String.join(" ", relations)) + '"';
    if (target != null && Values.truth(target)) {
      attributes += " target=\"" + Safe.escaped(target) + '"';
    }
    Object schemes = given.get("extra_schemes");
    List<String> more =
        schemes == null ? List.of() : Values.items(schemes).stream().map(Values::text).toList();
    for (String scheme : more) {
      if (!SCHEME.matcher(scheme).matches()) {
        throw new JinjaException(Printer.represent(scheme) + " is not a valid URI scheme prefix.");
      }
    }
    Object limit = given.get("trim_url_limit");
    return new Links(limit == null ? null : given.count("trim_url_limit", 0), attributes, more);
  }

  private static List<@Nullable Object> words(@Nullable Object text) {
    return text == null ? List.of() : StringSplits.split(Values.text(text), null, null, false);
  }

  /** A text, escaped for HTML, with links. */
  String in(String escaped) {
    StringBuilder out = new StringBuilder();
    Matcher space = SPACES.matcher(escaped);
    int start = 0;
    while (space.find()) {
      word(escaped.substring(start, space.start()), out);
      out.append(space.group());
      start = space.end();
    }
    word(escaped.substring(start), out);
    return out.toString();
  }

  private void word(String word, StringBuilder out) {
    String middle = word;
    Matcher head = HEAD.matcher(middle);
    if (head.lookingAt()) {
      out.append(head.group());
      middle = middle.substring(head.end());
    }
    int end = endOf(middle);
    String tail = middle.substring(end);
    middle = middle.substring(0, end);
    for (int i = 0; i < BRACKETS.size(); i += 2) {
      // An opening bracket in the address takes its closing one out of the punctuation behind it.
      String close = BRACKETS.get(i + 1);
      int opened = count(middle, BRACKETS.get(i));
      int moved = opened <= count(middle, close) ? 0 : Math.min(opened, count(tail, close));
      for (; moved > 0; moved--) {
        int cut = tail.indexOf(close) + close.length();
        middle += tail.substring(0, cut);
        tail = tail.substring(cut);
      }
    }
    out.append(linked(middle)).append(tail);
  }

  /** Where the punctuation at the end of a word begins. */
  private static int endOf(String word) {
    int end = word.length();
    while (end > 0) {
      if (")>.,".indexOf(word.charAt(end - 1)) >= 0) {
        end--;
      } else if (word.startsWith("&gt;", end - 4)) {
        end -= 4;
      } else {
        break;
      }
    }
    return end;
  }

  private String linked(String address) {
    if (WEB.matcher(address).matches()) {
      boolean whole = address.startsWith("https://") || address.startsWith("http://");
      return link(whole ? address : "https://" + address, shortened(address), attributes);
    }
    if (address.startsWith("mailto:") && isMail(address.substring(7))) {
      return link(address, address.substring(7), "");
    }
    if (address.contains("@")
        && !address.startsWith("www.")
        && !address.startsWith("@")
        && !address.contains(":")
        && isMail(address)) {
      return link("mailto:" + address, address, "");
    }
    String text = address;
    for (String scheme : schemes) {
      if (!text.equals(scheme) && text.startsWith(scheme)) {
        text = link(text, text, attributes);
      }
    }
    return text;
  }

  private static boolean isMail(String text) {
    return MAIL.matcher(text).matches();
  }

  private String shortened(String address) {
    return shortest == null || address.codePointCount(0, address.length()) <= shortest
        ? address
        : FormatSpec.cut(address, shortest) + "...";
  }

  private static String link(String address, String shown, String attributes) {
    return "<a href=\"" + address + '"' + attributes + '>' + shown + "</a>";
  }

  private static int count(String text, String part) {
    int count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }
}
