package dev.quire.engine.constrain;

import java.util.Map;

/** Strings of a schema: their length, pattern or format. */
final class SchemaStrings {
  private static final String DATE =
      "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-"
          + "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
          + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
  private static final String TIME =
      "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
          + "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
  private static final String OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  private static final String LABEL = "[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?";

  /** What the formats of the specification's section 7.3 look like, or a part of it. */
  private static final Map<String, String> FORMATS =
      Map.of(
          "date",
          DATE,
          "time",
          TIME,
          "date-time",
          DATE + "T" + TIME,
          "duration",
          "P(?:[0-9]{1,4}D|(?:[0-9]{1,4}D)?T[0-9]{1,4}[HMS])",
          "uuid",
          "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
          "email",
          "[a-z0-9]+(?:[._+-][a-z0-9]+){0,4}@" + LABEL + "(?:\\." + LABEL + "){1,3}",
          "hostname",
          LABEL + "(?:\\." + LABEL + "){0,4}",
          "ipv4",
          OCTET + "(?:\\." + OCTET + "){3}",
          "ipv6",
          "(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
          "uri",
          "https?://" + LABEL + "(?:\\." + LABEL + "){1,3}(?:/[a-zA-Z0-9._~-]{0,40}){0,6}");

  private SchemaStrings() {}

  static Expression string(SchemaField schema) {
    int least = schema.count("minLength", 0);
    int most = schema.count("maxLength", Expression.UNBOUNDED);
    boolean bounded = least > 0 || most != Expression.UNBOUNDED;
    boolean pattern = schema.has("pattern");
    boolean format = schema.has("format");
    if ((bounded ? 1 : 0) + (pattern ? 1 : 0) + (format ? 1 : 0) > 1) {
      throw schema.error(
          "pattern, format and a length (minLength, maxLength) are supported one at a time;"
              + " a pattern can bound its own length");
    }
    if (pattern) {
      return quoted(RegexParser.search(schema.child("pattern").node().asString("")));
    }
    if (format) {
      String name = schema.child("format").node().asString("");
      String known = FORMATS.get(name);
      if (known == null) {
        throw schema.error("the format " + name + " is not supported");
      }
      return quoted(RegexParser.whole(known));
    }
    if (bounded) {
      if (most != Expression.UNBOUNDED && most < least) {
        throw schema.error("maxLength is less than minLength");
      }
      return JsonText.string(least, most);
    }
    return JsonText.reference(JsonText.STRING);
  }

  private static Expression quoted(Expression text) {
    return Expression.sequence(
        Expression.text("\""), JsonText.escaped(text), Expression.text("\""));
  }
}
