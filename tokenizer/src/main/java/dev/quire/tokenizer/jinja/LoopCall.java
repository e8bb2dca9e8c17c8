package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The {@code loop} variable of a recursive loop: its state, and a function that loops again. */
record LoopCall(Callable again, Namespace state) implements Callable {
  @Override
  public @Nullable Object call(
      List<@Nullable Object> arguments, Map<String, @Nullable Object> named) {
    if (arguments.size() != 1) {
      throw new JinjaException("loop() takes one argument");
    }
    return again.call(arguments, named);
  }
}
