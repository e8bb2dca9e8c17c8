package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A macro as a value: a function with a name and parameters. */
record MacroCall(Node.Macro macro, Callable body) implements Callable {

  String name() {
    return macro.name();
  }

  @Override
  public @Nullable Object call(
      List<@Nullable Object> arguments, Map<String, @Nullable Object> named) {
    return body.call(arguments, named);
  }

  /** {@code macro.name} and the other attributes; Undefined for none. */
  @Nullable Object attribute(String attribute) {
    return switch (attribute) {
      case "name" -> macro.name();
      case "arguments" -> Tuple.of(macro.parameters());
      case "catch_kwargs" -> macro.specials().contains(Parser.KWARGS);
      case "catch_varargs" -> macro.specials().contains(Parser.VARARGS);
      case "caller" -> macro.specials().contains(Parser.CALLER);
      default -> new Undefined("'" + Values.owner(this) + "' has no attribute '" + attribute + "'");
    };
  }
}
