package dev.quire.engine.constrain;

import java.util.Map;

/**
 * Rules by name.
 *
 * @param root the rule that the whole text matches
 */
record Grammar(Map<String, Expression> rules, String root) {
  Grammar {
    rules = Map.copyOf(rules);
  }

  static Grammar of(Expression root) {
    return new Grammar(Map.of("root", root), "root");
  }
}
