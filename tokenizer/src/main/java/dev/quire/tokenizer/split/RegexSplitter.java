package dev.quire.tokenizer.split;

import dev.quire.tokenizer.TokenizerException;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits by a regular expression in Oniguruma's dialect, as {@code tokenizer.json} has them, run by
 * the JDK's engine. The slow way: patterns that many models share have a hand-written {@link
 * PatternSplitter}.
 */
public final class RegexSplitter implements Splitter {

  /** What becomes of a match. */
  public enum Behavior {
    /** Dropped. */
    REMOVED,
    /** A piece of its own. */
    ISOLATED,
    /** Joined to the piece before it. */
    MERGED_WITH_PREVIOUS,
    /** Joined to the piece after it. */
    MERGED_WITH_NEXT,
    /** A piece of its own together with the matches that follow it directly. */
    CONTIGUOUS
  }

  private static final Map<String, String> LONG_NAMES =
      Map.of(
          "Letter",
          "L",
          "Number",
          "N",
          "Punctuation",
          "P",
          "Symbol",
          "S",
          "Mark",
          "M",
          "Separator",
          "Z");

  /** Tried from each blank of a run; the other is tried from the first alone. */
  private static final String BLANK_AT_END = "\\s+$";

  private static final String BLANK_AT_END_ONCE = "(?<!\\s)\\s+$";

  /** Oniguruma's {@code \w}: without the JDK's joiners, and with the digits of Latin-1. */
  private static final String WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}²³¹¼½¾";

  private static final Pattern PROPERTY = Pattern.compile("\\\\([pP])\\{(\\^?)([A-Za-z_]+)\\}");

  private final Pattern pattern;
  private final Behavior behavior;
  private final boolean invert;

  /**
   * @param invert whether the pattern describes the pieces rather than what lies between them
   * @throws java.util.regex.PatternSyntaxException for a pattern that is none
   */
  public RegexSplitter(String pattern, Behavior behavior, boolean invert) {
    this.pattern = compile(pattern.equals(BLANK_AT_END) ? BLANK_AT_END_ONCE : pattern);
    this.behavior = behavior;
    this.invert = invert;
  }

  /**
   * A pattern in Oniguruma's dialect for the JDK's engine.
   *
   * @throws java.util.regex.PatternSyntaxException for a pattern that is none
   */
  public static Pattern compile(String pattern) {
    return Pattern.compile(
        translate(pattern),
        Pattern.UNICODE_CHARACTER_CLASS
            | Pattern.UNICODE_CASE
            | Pattern.MULTILINE
            | Pattern.UNIX_LINES);
  }

  /** Matches become pieces of their own, as does the text between them. */
  public static RegexSplitter isolated(String pattern) {
    return new RegexSplitter(pattern, Behavior.ISOLATED, false);
  }

  /** The pattern with scripts, long category names and {@code \w} spelled as the JDK has them. */
  static String translate(String pattern) {
    return PROPERTY
        .matcher(words(pattern))
        .replaceAll(
            match -> {
              String name = LONG_NAMES.getOrDefault(match.group(3), match.group(3));
              boolean negated = match.group(1).equals("P") != match.group(2).equals("^");
              String java = name.length() <= 2 ? name : "Is" + name;
              return Matcher.quoteReplacement((negated ? "\\P{" : "\\p{") + java + "}");
            });
  }

  /** The pattern with {@code \w} and {@code \W} spelled out. */
  private static String words(String pattern) {
    if (!pattern.contains("\\w") && !pattern.contains("\\W")) {
      return pattern;
    }
    StringBuilder out = new StringBuilder();
    int classes = 0;
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      char escaped = c == '\\' && i + 1 < pattern.length() ? pattern.charAt(++i) : 0;
      if (escaped == 'w') {
        out.append(classes > 0 ? WORD : "[" + WORD + "]");
      } else if (escaped == 'W') {
        out.append("[^" + WORD + "]");
      } else if (escaped != 0) {
        out.append(c).append(escaped);
      } else {
        classes += c == '[' ? 1 : c == ']' && classes > 0 ? -1 : 0;
        out.append(c);
      }
    }
    return out.toString();
  }

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    Cutter cutter = new Cutter(text, start, atStart, sink);
    Matcher matcher = pattern.matcher(new BoundedText(text)).region(start, end);
    int at = start;
    while (find(matcher)) {
      if (matcher.start() > at) {
        cutter.part(matcher.start(), invert);
      }
      // An empty match is a cut and nothing more.
      if (matcher.end() > matcher.start()) {
        cutter.part(matcher.end(), !invert);
      }
      at = matcher.end();
    }
    if (at < end) {
      cutter.part(end, invert);
    }
    cutter.finish();
  }

  private boolean find(Matcher matcher) {
    try {
      return matcher.find();
    } catch (StackOverflowError e) {
      throw new TokenizerException(
          "the pattern “" + pattern + "” of the vocabulary is too deep for this text", e);
    }
  }

  /** Receives the parts of a text, separators and what is between them, and forms the pieces. */
  private final class Cutter {
    private final String text;
    private final int first;
    private final boolean atStart;
    private final Sink sink;

    /** Start and end of the piece that is not handed on yet. */
    private int open;

    private int at;
    private boolean openIsSeparator;

    Cutter(String text, int start, boolean atStart, Sink sink) {
      this.text = text;
      this.first = start;
      this.atStart = atStart;
      this.sink = sink;
      open = start;
      at = start;
    }

    void part(int end, boolean separator) {
      boolean joins =
          switch (behavior) {
            case REMOVED, ISOLATED -> false;
            case MERGED_WITH_PREVIOUS -> separator && !openIsSeparator;
            case MERGED_WITH_NEXT -> openIsSeparator && !separator;
            case CONTIGUOUS -> separator == openIsSeparator;
          };
      if (!joins) {
        finish();
        open = at;
      }
      at = end;
      openIsSeparator = separator;
    }

    void finish() {
      if (at > open && !(behavior == Behavior.REMOVED && openIsSeparator)) {
        sink.accept(text, open, at, atStart && open == first);
      }
    }
  }
}
