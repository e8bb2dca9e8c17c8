package dev.quire.tokenizer.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The filter {@code pprint} on random values, against what transformers 5.18 with Jinja 3.1 and
 * Python 3.11 print: long lines broken at 80 columns, keys in order.
 */
class PrettyPrintTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @Test
  void breaksLinesWherePythonDoes() throws IOException {
    JsonNode cases;
    try (InputStream in = PrettyPrintTest.class.getResourceAsStream("pprint.json")) {
      cases = JSON.readTree(Objects.requireNonNull(in));
    }
    assertThat(cases.size()).isGreaterThan(200);
    SoftAssertions.assertSoftly(
        softly -> {
          for (JsonNode one : cases) {
            softly
                .assertThat(
                    rendered(
                        one.get("template").asString(),
                        JSON.convertValue(one.get("value"), Object.class)))
                .as(one.toString())
                .isEqualTo(one.get("text").asString());
          }
        });
  }

  /** Each step holds the one before twice: 2^60 items if they were copied. */
  @Test
  void endsOnValuesThatHoldThemselvesManyTimes() {
    String template =
        "{% set n = namespace(x=['a']) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}"
            + "{% endfor %}{{ n.x|pprint }}";
    assertThatThrownBy(() -> rendered(template, ""))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessageContaining("too large to print");
  }

  private static String rendered(String template, @Nullable Object value) {
    Map<String, Object> variables = new HashMap<>();
    variables.put("v", value);
    return ChatTemplate.of(template)
        .render(
            new ChatRequest(
                List.of(),
                null,
                false,
                "<s>",
                "</s>",
                LocalDateTime.of(2026, 1, 2, 3, 4, 5),
                variables));
  }
}
