package dev.quire.engine.constrain;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a rule of a grammar matches. */
sealed interface Expression {
  /** No bound on repetitions. */
  int UNBOUNDED = -1;

  /** Matches nothing at all, not even the empty text. */
  Expression NOTHING = new Choice(List.of());

  /** The empty text. */
  Expression EMPTY = new Sequence(List.of());

  /** These bytes. */
  record Literal(List<Byte> bytes) implements Expression {
    public Literal {
      bytes = List.copyOf(bytes);
    }
  }

  /** One character of a set. */
  record Symbol(CodePoints set) implements Expression {}

  /** One part after the other. */
  record Sequence(List<Expression> parts) implements Expression {
    public Sequence {
      parts = List.copyOf(parts);
    }
  }

  /** Any one of the alternatives. */
  record Choice(List<Expression> alternatives) implements Expression {
    public Choice {
      alternatives = List.copyOf(alternatives);
    }
  }

  /** The body between {@code least} and {@code most} times. */
  record Repeat(Expression body, int least, int most) implements Expression {}

  /** What another rule matches; rules may be recursive. */
  record Reference(String rule) implements Expression {}

  static Expression text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    List<Byte> list = new java.util.ArrayList<>(bytes.length);
    for (byte b : bytes) {
      list.add(b);
    }
    return new Literal(list);
  }

  static Expression sequence(Expression... parts) {
    return new Sequence(List.of(parts));
  }

  static Expression choice(Expression... alternatives) {
    return new Choice(List.of(alternatives));
  }

  static Expression optional(Expression body) {
    return new Repeat(body, 0, 1);
  }

  static Expression range(int first, int last) {
    return new Symbol(CodePoints.range(first, last));
  }
}
