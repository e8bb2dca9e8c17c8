package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Arrays of a schema. */
final class SchemaArrays {
  private final JsonSchemaGrammar grammar;

  SchemaArrays(JsonSchemaGrammar grammar) {
    this.grammar = grammar;
  }

  Expression array(SchemaField schema) {
    int least = schema.count("minItems", 0);
    int most = schema.count("maxItems", Expression.UNBOUNDED);
    if (most != Expression.UNBOUNDED && most < least) {
      throw schema.error("maxItems is less than minItems");
    }
    List<Expression> prefix = prefix(schema);
    JsonNode items = schema.node().get("items");
    boolean noMore = items != null && items.isBoolean() && !items.booleanValue();
    Expression rest =
        items == null || items.isArray() || items.isBoolean()
            ? JsonText.reference(JsonText.VALUE)
            : grammar.reference(schema.child("items"));
    if (prefix.isEmpty()) {
      int upTo = noMore ? 0 : most;
      if (upTo != Expression.UNBOUNDED && upTo < least) {
        throw schema.error("minItems asks for items, but items is false");
      }
      return JsonText.enclosed("[", JsonText.separated(rest, least, upTo), "]");
    }
    return JsonText.enclosed("[", tuple(schema, prefix, rest, least, noMore ? 0 : most), "]");
  }

  private List<Expression> prefix(SchemaField schema) {
    List<Expression> prefix = new ArrayList<>();
    JsonNode items = schema.node().get("items");
    // Until draft 2019-09 an array of schemas stood under items.
    String keyword = items != null && items.isArray() ? "items" : "prefixItems";
    if (schema.has(keyword)) {
      SchemaField list = schema.child(keyword);
      if (!list.node().isArray()) {
        throw schema.error(keyword + " must be an array of schemas");
      }
      for (int i = 0; i < list.node().size(); i++) {
        prefix.add(grammar.reference(new SchemaField(list.node().get(i), list.path() + "/" + i)));
      }
    }
    return prefix;
  }

  /**
   * The prefix items in order, as many as minItems and maxItems ask for, and the rest after them.
   */
  private static Expression tuple(
      SchemaField schema, List<Expression> prefix, Expression rest, int least, int most) {
    int after = prefix.size();
    Expression tail = Expression.EMPTY;
    boolean mayGoOn = most == Expression.UNBOUNDED || most > after;
    if (least > after && !mayGoOn) {
      throw schema.error("minItems asks for more items than there may be");
    }
    if (mayGoOn) {
      int moreAtMost = most == Expression.UNBOUNDED ? most : most - after;
      tail =
          new Expression.Repeat(
              Expression.sequence(JsonText.comma(), rest), Math.max(0, least - after), moreAtMost);
    }
    int last = most == Expression.UNBOUNDED || most == 0 ? after : Math.min(after, most);
    Expression items = last == after ? tail : Expression.EMPTY;
    for (int i = last - 1; i >= 0; i--) {
      Expression item =
          i == 0 ? prefix.get(i) : Expression.sequence(JsonText.comma(), prefix.get(i));
      Expression more = Expression.sequence(item, items);
      items = i >= least ? Expression.optional(more) : more;
    }
    return items;
  }
}
