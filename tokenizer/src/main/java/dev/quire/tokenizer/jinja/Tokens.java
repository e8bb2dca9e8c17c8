package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Token.Kind;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The tokens of a template with a place in them. */
final class Tokens {
  private final List<Token> tokens;
  private int at;

  Tokens(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(at);
  }

  /** The number of tokens taken. */
  int place() {
    return at;
  }

  /** Which of these names the tokens from {@code start} up to here contain. */
  Set<String> namesSince(int start, Set<String> names) {
    Set<String> found = new HashSet<>();
    for (Token token : tokens.subList(start, at)) {
      if (token.kind() == Kind.NAME && names.contains(token.text())) {
        found.add(token.text());
      }
    }
    return found;
  }

  Token ahead(int distance) {
    return tokens.get(Math.min(at + distance, tokens.size() - 1));
  }

  Token next() {
    Token token = peek();
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  boolean peekOperator(String text) {
    return peek().is(Kind.OPERATOR, text);
  }

  boolean peekName(String text) {
    return peek().is(Kind.NAME, text);
  }

  boolean takeOperator(String text) {
    return take(Kind.OPERATOR, text);
  }

  boolean takeName(String text) {
    return take(Kind.NAME, text);
  }

  private boolean take(Kind kind, String text) {
    if (peek().is(kind, text)) {
      at++;
      return true;
    }
    return false;
  }

  void expectOperator(String text) {
    if (!takeOperator(text)) {
      throw unexpected("“" + text + "”");
    }
  }

  void expect(Kind kind) {
    if (peek().kind() != kind) {
      throw unexpected(kind.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' '));
    }
    at++;
  }

  String name() {
    if (peek().kind() != Kind.NAME) {
      throw unexpected("a name");
    }
    return next().text();
  }

  JinjaException unexpected(String wanted) {
    Token token = peek();
    String found =
        token.text().isEmpty()
            ? token.kind().name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ')
            : "“" + token.text() + "”";
    return new JinjaException(
        "template line " + token.line() + ": expected " + wanted + ", found " + found);
  }
}
