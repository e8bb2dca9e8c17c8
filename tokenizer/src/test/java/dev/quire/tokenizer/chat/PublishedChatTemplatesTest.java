package dev.quire.tokenizer.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.tokenizer.External;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Published chat templates against the text, or the error, that transformers gives. */
class PublishedChatTemplatesTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @Test
  void rendersEveryCaseLikeTransformers() {
    JsonNode file = JSON.readTree(External.file("chat-templates.json").toFile());
    SoftAssertions softly = new SoftAssertions();
    int cases = 0;
    for (Map.Entry<String, JsonNode> entry : file.get("templates").properties()) {
      ChatTemplate template = ChatTemplate.of(entry.getValue().get("template").asString());
      for (JsonNode example : entry.getValue().get("cases")) {
        cases++;
        String place =
            entry.getKey() + " " + example.get("conversation") + " tools " + example.get("tools");
        String result;
        try {
          result = "text: " + template.render(request(file, example));
        } catch (ChatTemplateException e) {
          result = "error: " + e.getMessage();
        }
        JsonNode error = example.get("error");
        softly
            .assertThat(result)
            .as(place)
            .isEqualTo(
                error == null
                    ? "text: " + example.get("expected").asString()
                    : "error: " + error.asString());
      }
    }
    softly.assertAll();
    assertThat(cases).isEqualTo(312);
  }

  @SuppressWarnings("unchecked")
  private static ChatRequest request(JsonNode file, JsonNode example) {
    JsonNode messages = file.get("conversations").get(example.get("conversation").asString());
    return new ChatRequest(
        JSON.convertValue(messages, List.class),
        example.get("tools").asBoolean() ? JSON.convertValue(file.get("tools"), List.class) : null,
        example.get("add_generation_prompt").asBoolean(),
        file.get("bos_token").asString(),
        file.get("eos_token").asString(),
        LocalDateTime.of(2026, 1, 2, 3, 4, 5),
        Map.of("unk_token", file.get("unk_token").asString()));
  }
}
