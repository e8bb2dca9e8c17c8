package dev.quire.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One JSON value a line in, one line out. */
final class JsonLines {
  private static final JsonMapper MAPPER = new JsonMapper();

  private JsonLines() {}

  static void each(Console console, Function<JsonNode, String> answer) throws IOException {
    var lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
    long number = 0;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      try {
        console.out().print(answer.apply(MAPPER.readTree(line)) + "\n");
      } catch (JacksonException e) {
        throw new Failure("line " + number + " of stdin is no JSON: " + e.getOriginalMessage());
      } catch (IllegalArgumentException e) {
        throw new Failure("line " + number + " of stdin: " + e.getMessage());
      }
    }
    console.out().flush();
  }

  /** A text as a JSON string. */
  static String quoted(String text) {
    return MAPPER.writeValueAsString(text);
  }
}
