package dev.quire.engine;

import java.util.List;

/** What a request starts from. */
public sealed interface Prompt {
  /**
   * Text, tokenised by the model's tokenizer.
   *
   * @param addSpecial whether the tokens that the model expects around a text (a beginning token,
   *     mostly) are added
   * @param parseSpecial whether the names of special tokens in the text stand for those tokens, as
   *     in a rendered chat template
   */
  record Text(String text, boolean addSpecial, boolean parseSpecial) implements Prompt {}

  /** Token ids, taken as they are. */
  record Tokens(List<Integer> ids) implements Prompt {
    public Tokens {
      ids = List.copyOf(ids);
    }
  }

  /** Plain text: special tokens around it, none parsed inside it. */
  static Prompt text(String text) {
    return new Text(text, true, false);
  }

  /** A rendered chat template: brings its special tokens along. */
  static Prompt rendered(String text) {
    return new Text(text, false, true);
  }

  /** Token ids. */
  static Prompt tokens(int... ids) {
    return new Tokens(java.util.Arrays.stream(ids).boxed().toList());
  }
}
