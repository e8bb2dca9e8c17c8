package dev.quire.engine.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Gives out calls while they are being written: those of one JSON object each whose name stands
 * before its arguments, bare or in Hermes' and Qwen's tags. What is written in any other way is
 * left for the end of the text.
 */
final class ToolCallStream {
  private static final String TAG = "<tool_call>";

  // Every repetition has a bound, so that looking again at a head that grows costs little.
  private static final Pattern HEAD =
      Pattern.compile(
          "\\s{0,32}+(?<mark><tool_call>|<\\|python_tag\\|>)?+\\s{0,32}+\\{\\s{0,32}+\"name\"\\s{0,32}+:"
              + "\\s{0,32}+\"(?<name>[^\"\\\\]{1,128}+)\"\\s{0,32}+,\\s{0,32}+\"(?:arguments|parameters)\""
              + "\\s{0,32}+:\\s{0,32}+(?=\\{)");

  private enum State {
    HEAD,
    ARGUMENTS,
    AFTER_ARGUMENTS,
    BETWEEN,
    /** The rest is for the end. */
    LEFT
  }

  private State state = State.HEAD;
  private boolean tagged;
  private int at;
  private int count;
  private int depth;
  private boolean quoted;
  private boolean escaped;

  /** Calls that were begun. */
  int count() {
    return count;
  }

  /** Whether the latest of them stands in tags. */
  boolean tagged() {
    return tagged;
  }

  /** Whether a call's arguments have no end yet. */
  boolean open() {
    return state == State.ARGUMENTS;
  }

  /**
   * What of the text belongs to no call that was given out. Behind tags it may hold calls that
   * could not be; words between tags are nobody's.
   */
  String rest(CharSequence text) {
    return switch (state) {
      case HEAD, LEFT -> text.subSequence(at, text.length()).toString();
      case ARGUMENTS, AFTER_ARGUMENTS, BETWEEN -> "";
    };
  }

  /**
   * Takes what was added to a text.
   *
   * @param text all of it, from its first mark on
   */
  List<ToolCallPiece> scan(StringBuilder text) {
    List<ToolCallPiece> pieces = new ArrayList<>();
    boolean moved = true;
    while (moved) {
      moved =
          switch (state) {
            case HEAD -> head(text, pieces);
            case ARGUMENTS -> arguments(text, pieces);
            case AFTER_ARGUMENTS -> afterArguments(text);
            case BETWEEN -> between(text);
            case LEFT -> false;
          };
    }
    return pieces;
  }

  @SuppressWarnings("JdkObsolete") // hitEnd: more text may yet make it a head
  private boolean head(StringBuilder text, List<ToolCallPiece> pieces) {
    Matcher head = HEAD.matcher(text).region(at, text.length());
    if (head.lookingAt()) {
      tagged = TAG.equals(head.group("mark"));
      pieces.add(new ToolCallPiece(count++, head.group("name"), ""));
      at = head.end();
      state = State.ARGUMENTS;
      return true;
    }
    if (!head.hitEnd()) {
      state = State.LEFT;
    }
    return false;
  }

  private boolean arguments(StringBuilder text, List<ToolCallPiece> pieces) {
    StringBuilder fragment = new StringBuilder();
    boolean ended = false;
    while (at < text.length() && !ended) {
      char c = text.charAt(at++);
      if (quoted || !Character.isWhitespace(c)) {
        fragment.append(c);
      }
      ended = ends(c);
    }
    if (!fragment.isEmpty()) {
      pieces.add(new ToolCallPiece(count - 1, null, fragment.toString()));
    }
    if (ended) {
      depth = 1; // the call's own object
      state = State.AFTER_ARGUMENTS;
    }
    return ended;
  }

  private boolean afterArguments(StringBuilder text) {
    boolean ended = false;
    while (at < text.length() && !ended) {
      ended = ends(text.charAt(at++));
    }
    if (ended) {
      state = tagged ? State.BETWEEN : State.LEFT;
    }
    return ended;
  }

  /** Whether a character closes the object that is being read. */
  private boolean ends(char c) {
    if (quoted) {
      quoted = escaped || c != '"';
      escaped = !escaped && c == '\\';
      return false;
    }
    switch (c) {
      case '"' -> quoted = true;
      case '{', '[' -> depth++;
      case '}', ']' -> depth--;
      default -> {
        // Says nothing of where it ends.
      }
    }
    return depth == 0 && (c == '}' || c == ']');
  }

  private boolean between(StringBuilder text) {
    int next = text.indexOf(TAG, at);
    at = next >= 0 ? next : Math.max(at, text.length() - TAG.length() + 1);
    if (next >= 0) {
      state = State.HEAD;
    }
    return next >= 0;
  }
}
