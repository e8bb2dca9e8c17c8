package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Text up to and including the first occurrence of a marker (Knuth, Morris and Pratt 1977). */
final class MarkerText {
  private MarkerText() {}

  /** Adds the rules needed and gives the expression. */
  static Expression upTo(String marker, Map<String, Expression> rules) {
    int[] characters = marker.codePoints().toArray();
    CodePoints inMarker = CodePoints.anyOf(marker);
    for (int matched = 0; matched < characters.length; matched++) {
      List<Expression> alternatives = new ArrayList<>();
      for (int c : marker.codePoints().distinct().toArray()) {
        Expression read = new Expression.Symbol(CodePoints.of(c));
        int now = longestPrefix(characters, matched, c);
        alternatives.add(
            now == characters.length ? read : Expression.sequence(read, state(marker, now)));
      }
      alternatives.add(
          Expression.sequence(new Expression.Symbol(inMarker.complement()), state(marker, 0)));
      rules.put(name(marker, matched), new Expression.Choice(alternatives));
    }
    return state(marker, 0);
  }

  private static Expression state(String marker, int matched) {
    return new Expression.Reference(name(marker, matched));
  }

  private static String name(String marker, int matched) {
    return " up to " + marker + " " + matched;
  }

  /** How much of the marker is matched after {@code matched} of its characters and one more. */
  private static int longestPrefix(int[] marker, int matched, int next) {
    for (int length = matched + 1; length > 0; length--) {
      if (marker[length - 1] != next) {
        continue;
      }
      boolean same = true;
      for (int i = 0; i < length - 1 && same; i++) {
        same = marker[i] == marker[matched - (length - 1) + i];
      }
      if (same) {
        return length;
      }
    }
    return 0;
  }
}
