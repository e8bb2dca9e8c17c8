package dev.quire.engine.constrain;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Numbers between the bounds of a schema. */
final class SchemaNumbers {
  private SchemaNumbers() {}

  static Expression integer(SchemaField schema) {
    Bounds bounds = Bounds.of(schema);
    if (bounds.none()) {
      return JsonText.reference(JsonText.INTEGER);
    }
    long least = bounds.leastInteger();
    long most = bounds.mostInteger();
    if (least > most) {
      throw schema.error("no integer lies between its bounds");
    }
    return IntegerRange.of(least, most);
  }

  static Expression number(SchemaField schema) {
    Bounds bounds = Bounds.of(schema);
    if (bounds.none()) {
      return JsonText.reference(JsonText.NUMBER);
    }
    long least = bounds.leastInteger();
    long most = bounds.mostInteger();
    List<Expression> parts = new ArrayList<>();
    if (least <= most) {
      parts.add(IntegerRange.of(least, most));
    }
    // With a fraction the value lies between the integer part and the next integer away from zero.
    if (Math.max(0, least) < most) {
      parts.add(
          Expression.sequence(IntegerRange.of(Math.max(0, least), most - 1), JsonText.fraction()));
    }
    if (least < Math.min(0, most)) {
      Expression magnitudes = IntegerRange.of(Math.max(0, -most), -least - 1);
      parts.add(Expression.sequence(Expression.text("-"), magnitudes, JsonText.fraction()));
    }
    if (parts.isEmpty()) {
      throw schema.error("bounds between which no integer lies are not supported");
    }
    return new Expression.Choice(parts);
  }

  /** The bounds of a schema; null where there is none. */
  private record Bounds(
      @Nullable BigDecimal least,
      boolean leastExcluded,
      @Nullable BigDecimal most,
      boolean mostExcluded) {

    static Bounds of(SchemaField schema) {
      JsonNode exclusiveMinimum = schema.node().get("exclusiveMinimum");
      JsonNode exclusiveMaximum = schema.node().get("exclusiveMaximum");
      BigDecimal least = schema.decimal("minimum");
      BigDecimal most = schema.decimal("maximum");
      boolean leastExcluded = false;
      boolean mostExcluded = false;
      // Draft 4 has flags, later drafts bounds of their own.
      if (exclusiveMinimum != null && exclusiveMinimum.isBoolean()) {
        leastExcluded = exclusiveMinimum.booleanValue();
      } else {
        BigDecimal other = schema.decimal("exclusiveMinimum");
        if (other != null && (least == null || other.compareTo(least) >= 0)) {
          least = other;
          leastExcluded = true;
        }
      }
      if (exclusiveMaximum != null && exclusiveMaximum.isBoolean()) {
        mostExcluded = exclusiveMaximum.booleanValue();
      } else {
        BigDecimal other = schema.decimal("exclusiveMaximum");
        if (other != null && (most == null || other.compareTo(most) <= 0)) {
          most = other;
          mostExcluded = true;
        }
      }
      return new Bounds(least, leastExcluded, most, mostExcluded);
    }

    boolean none() {
      return least == null && most == null;
    }

    long leastInteger() {
      if (least == null) {
        return -IntegerRange.LARGEST;
      }
      BigDecimal ceiling = least.setScale(0, RoundingMode.CEILING);
      boolean touched = leastExcluded && ceiling.compareTo(least) == 0;
      return clamped(touched ? ceiling.add(BigDecimal.ONE) : ceiling);
    }

    long mostInteger() {
      if (most == null) {
        return IntegerRange.LARGEST;
      }
      BigDecimal floor = most.setScale(0, RoundingMode.FLOOR);
      boolean touched = mostExcluded && floor.compareTo(most) == 0;
      return clamped(touched ? floor.subtract(BigDecimal.ONE) : floor);
    }

    private static long clamped(BigDecimal value) {
      BigDecimal largest = BigDecimal.valueOf(IntegerRange.LARGEST);
      return value.min(largest).max(largest.negate()).longValue();
    }
  }
}
