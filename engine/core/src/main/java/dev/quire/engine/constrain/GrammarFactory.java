package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The grammar that a specification stands for. */
final class GrammarFactory {
  private static final int MOST_CHARACTERS = 1 << 20;

  private GrammarFactory() {}

  static Grammar grammar(ConstraintSpec spec) {
    return switch (spec) {
      case ConstraintSpec.JsonObject _ -> {
        Map<String, Expression> rules = JsonText.rules();
        yield new Grammar(rules, JsonText.OBJECT);
      }
      case ConstraintSpec.JsonSchema(String schema) ->
          JsonSchemaGrammar.of(checked("json_schema", schema));
      case ConstraintSpec.Regex(String pattern) ->
          Grammar.of(RegexParser.whole(checked("regex", pattern)));
      case ConstraintSpec.Choice(List<String> texts) -> choice(texts);
      case ConstraintSpec.Gbnf(String grammar) -> GbnfParser.parse(checked("grammar", grammar));
      case ConstraintSpec.AfterMarker(String marker, ConstraintSpec body) ->
          afterMarker(marker, body);
    };
  }

  private static String checked(String field, String text) {
    if (text.length() > MOST_CHARACTERS) {
      throw QuireException.invalid(
          "%s has %d characters; at most %d are taken"
              .formatted(field, text.length(), MOST_CHARACTERS));
    }
    return text;
  }

  private static Grammar choice(List<String> texts) {
    if (texts.isEmpty() || texts.stream().anyMatch(String::isEmpty)) {
      throw QuireException.invalid("choice must be a list of texts of at least one character");
    }
    return Grammar.of(new Expression.Choice(texts.stream().map(Expression::text).toList()));
  }

  private static Grammar afterMarker(String marker, ConstraintSpec body) {
    if (marker.isEmpty()) {
      throw QuireException.invalid("the marker before a constrained part must not be empty");
    }
    Grammar inner = grammar(body);
    Map<String, Expression> rules = new HashMap<>(inner.rules());
    Expression before = MarkerText.upTo(marker, rules);
    rules.put(" after marker", Expression.sequence(before, new Expression.Reference(inner.root())));
    return new Grammar(rules, " after marker");
  }
}
