package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.List;

/** The decimal spellings of the integers between two bounds. */
final class IntegerRange {
  /** The largest magnitude written where a side has no bound: fifteen digits, exact in a double. */
  static final long LARGEST = 999_999_999_999_999L;

  private IntegerRange() {}

  /** Spellings of {@code [least, most]}; nothing where the range is empty. */
  static Expression of(long least, long most) {
    List<Expression> parts = new ArrayList<>();
    if (least < 0) {
      long nearest = Math.max(1, -Math.min(most, -1));
      if (nearest <= -least) {
        parts.add(Expression.sequence(Expression.text("-"), positive(nearest, -least)));
      }
    }
    if (most >= 0 && least <= most) {
      parts.add(positive(Math.max(0, least), most));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Choice(parts);
  }

  private static Expression positive(long least, long most) {
    List<Expression> alternatives = new ArrayList<>();
    long low = least;
    while (low <= most) {
      String digits = Long.toString(low);
      long lastOfLength = Long.MAX_VALUE;
      if (digits.length() < 18) {
        lastOfLength = pow10(digits.length()) - 1;
      }
      long high = Math.min(most, lastOfLength);
      alternatives.add(sameLength(digits, Long.toString(high)));
      if (high == Long.MAX_VALUE) {
        break;
      }
      low = high + 1;
    }
    return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
  }

  private static long pow10(int exponent) {
    long power = 1;
    for (int i = 0; i < exponent; i++) {
      power *= 10;
    }
    return power;
  }

  /** Spellings between two of the same length. */
  private static Expression sameLength(String low, String high) {
    if (low.isEmpty()) {
      return Expression.EMPTY;
    }
    char first = low.charAt(0);
    char last = high.charAt(0);
    String lowRest = low.substring(1);
    String highRest = high.substring(1);
    if (first == last) {
      return Expression.sequence(Expression.range(first, first), sameLength(lowRest, highRest));
    }
    String zeros = "0".repeat(lowRest.length());
    String nines = "9".repeat(lowRest.length());
    List<Expression> alternatives = new ArrayList<>();
    int from = first;
    int to = last;
    if (!lowRest.equals(zeros)) {
      alternatives.add(
          Expression.sequence(Expression.range(first, first), sameLength(lowRest, nines)));
      from++;
    }
    if (!highRest.equals(nines)) {
      alternatives.add(
          Expression.sequence(Expression.range(last, last), sameLength(zeros, highRest)));
      to--;
    }
    if (from <= to) {
      alternatives.add(
          Expression.sequence(
              Expression.range(from, to),
              new Expression.Repeat(
                  Expression.range('0', '9'), lowRest.length(), lowRest.length())));
    }
    return new Expression.Choice(alternatives);
  }
}
