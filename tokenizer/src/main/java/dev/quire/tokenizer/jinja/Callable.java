package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A function of a template: a macro, a method, or one that the host provides. */
@FunctionalInterface
public interface Callable {
  @Nullable Object call(List<@Nullable Object> arguments, Map<String, @Nullable Object> named);
}
