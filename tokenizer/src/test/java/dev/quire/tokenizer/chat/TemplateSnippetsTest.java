package dev.quire.tokenizer.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Snippets of templates against what transformers 5.18 with Jinja 3.1 makes of them: expressions,
 * statements, whitespace control, and errors by their message.
 */
class TemplateSnippetsTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @Test
  void rendersEverySnippetLikeTransformers() throws IOException {
    JsonNode file;
    try (InputStream in = TemplateSnippetsTest.class.getResourceAsStream("snippets.json")) {
      file = JSON.readTree(Objects.requireNonNull(in));
    }
    assertThat(file.get("cases").size()).isGreaterThan(1000);
    SoftAssertions.assertSoftly(
        softly -> {
          for (JsonNode one : file.get("cases")) {
            String expected =
                one.has("text")
                    ? one.get("text").asString()
                    : "error: " + one.get("error").asString();
            softly
                .assertThat(rendered(one.get("template").asString(), file.get("variables")))
                .as(one.get("template").asString())
                .isEqualTo(expected);
          }
        });
  }

  private static String rendered(String template, JsonNode variables) {
    try {
      return ChatTemplate.of(template).render(request(variables));
    } catch (ChatTemplateException e) {
      return "error: " + e.getMessage();
    }
  }

  @SuppressWarnings("unchecked") // Jackson makes string-keyed maps of objects
  private static ChatRequest request(JsonNode variables) {
    Map<String, Object> extra = new LinkedHashMap<>(JSON.convertValue(variables, Map.class));
    return new ChatRequest(
        (List<Map<String, Object>>) Objects.requireNonNull(extra.remove("messages")),
        (List<Object>) extra.remove("tools"),
        true,
        "<s>",
        "</s>",
        LocalDateTime.of(2026, 1, 2, 3, 4, 5),
        extra);
  }
}
