package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Given.Parameters;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Jinja's filters: {@code value | name(arguments)}. */
final class Filters {
  /** Filters whose arguments are a matter of their own. */
  private static final Set<String> VARIADIC =
      Set.of("map", "select", "reject", "selectattr", "rejectattr", "format");

  private static final Map<String, Parameters> PARAMETERS = new HashMap<>();

  static {
    for (String declaration :
        List.of(
            "abs abs",
            "attr do_attr name /",
            "batch do_batch linecount / fill_with",
            "capitalize do_capitalize",
            "center do_center width",
            "count len",
            "d do_default default_value boolean",
            "default do_default default_value boolean",
            "dictsort do_dictsort case_sensitive by reverse",
            "e escape",
            "escape escape",
            "filesizeformat do_filesizeformat binary",
            "first sync_do_first",
            "float do_float default",
            "forceescape do_forceescape",
            "groupby sync_do_groupby attribute / default case_sensitive",
            "indent do_indent width first blank",
            "int do_int default base",
            "items do_items",
            "join sync_do_join d attribute",
            "last do_last",
            "length len",
            "list sync_do_list",
            "lower do_lower",
            "max do_max case_sensitive attribute",
            "min do_min case_sensitive attribute",
            "pprint do_pprint",
            "random do_random",
            "replace do_replace old new / count",
            "reverse do_reverse",
            "round do_round precision method",
            "safe do_mark_safe",
            "slice sync_do_slice slices / fill_with",
            "sort do_sort reverse case_sensitive attribute",
            "string soft_str",
            "striptags do_striptags",
            "sum sync_do_sum attribute start",
            "title do_title",
            "tojson tojson ensure_ascii indent separators sort_keys",
            "trim do_trim chars",
            "truncate do_truncate length killwords end leeway",
            "unique sync_do_unique case_sensitive attribute",
            "upper do_upper",
            "urlencode do_urlencode",
            "urlize do_urlize trim_url_limit nofollow target rel extra_schemes",
            "wordcount do_wordcount",
            "wordwrap do_wordwrap width break_long_words wrapstring break_on_hyphens",
            "xmlattr do_xmlattr autospace")) {
      int space = declaration.indexOf(' ');
      PARAMETERS.put(
          declaration.substring(0, space), Parameters.of(declaration.substring(space + 1)));
    }
  }

  /** The names of all filters. */
  static final Set<String> NAMES = names();

  private final Interpreter interpreter;
  private final SequenceFilters sequences;

  Filters(Interpreter interpreter) {
    this.interpreter = interpreter;
    sequences = new SequenceFilters(this, interpreter);
  }

  private static Set<String> names() {
    Set<String> names = new java.util.HashSet<>(PARAMETERS.keySet());
    names.addAll(VARIADIC);
    return Set.copyOf(names);
  }

  @Nullable Object apply(
      String name,
      @Nullable Object input,
      List<@Nullable Object> positional,
      Map<String, @Nullable Object> named) {
    Object value = Safe.plain(input);
    if (VARIADIC.contains(name)) {
      return switch (name) {
        case "map" -> sequences.map(value, positional, named);
        case "select", "reject" ->
            sequences.choose(value, positional, named, false, name.equals("select"));
        case "selectattr", "rejectattr" ->
            sequences.choose(value, positional, named, true, name.equals("selectattr"));
        default -> format(input, PercentFormat.values(positional, named));
      };
    }
    Parameters parameters = PARAMETERS.get(name);
    if (parameters == null) {
      throw new JinjaException("No filter named '" + name + "'.");
    }
    Given given = parameters.bind(positional, named);
    return switch (name) {
      case "default", "d" -> {
        boolean replaced =
            value instanceof Undefined || given.flag("boolean") && !Values.truth(value);
        yield replaced ? given.get("default_value", "") : input;
      }
      case "attr" -> attribute(value, Values.text(given.get("name")));
      case "tojson" -> Json.write(value, given);
      case "abs", "int", "float", "round", "filesizeformat" ->
          NumberFilters.apply(name, value, given);
      case "batch", "count", "dictsort", "first", "groupby", "items", "join", "last", "length" ->
          sequences.apply(name, value, given);
      case "list", "max", "min", "random", "reverse", "slice", "sort", "sum", "unique" ->
          sequences.apply(name, value, given);
      case "replace", "urlize", "xmlattr" ->
          MarkupFilters.apply(name, input, given, interpreter.escapes());
      default -> TextFilters.apply(name, input, given);
    };
  }

  private @Nullable Object attribute(@Nullable Object value, String name) {
    Values.refuseUndefined(value);
    Object found = value instanceof Map ? null : interpreter.attribute(value, name);
    Object member = value instanceof Map ? interpreter.member(value, name) : found;
    return member == null && value instanceof Map
        ? new Undefined("'dict object' has no attribute '" + name + "'")
        : member;
  }

  private static Object format(@Nullable Object input, @Nullable Object values) {
    return input instanceof Safe(String text)
        ? new Safe(PercentFormat.format(text, Safe.escapedDeeply(values)))
        : PercentFormat.format(Values.text(input), values);
  }
}
