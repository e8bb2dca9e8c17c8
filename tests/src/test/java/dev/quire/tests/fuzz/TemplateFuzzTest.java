package dev.quire.tests.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.quire.tokenizer.chat.ChatRequest;
import dev.quire.tokenizer.chat.ChatTemplate;
import dev.quire.tokenizer.chat.ChatTemplateException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;

/** Chat templates, parsed and rendered. */
class TemplateFuzzTest {
  private static final ChatRequest REQUEST =
      new ChatRequest(
          List.of(
              Map.of("role", "system", "content", "Be brief."),
              Map.of("role", "user", "content", "Well?"),
              Map.of("role", "assistant", "content", "Well.")),
          null,
          true,
          "<s>",
          "</s>",
          LocalDateTime.of(2024, 7, 26, 12, 0),
          Map.of("enable_thinking", true));

  @FuzzTest(maxDuration = "10m")
  void template(byte[] bytes) {
    try {
      assertThat(ChatTemplate.of(new String(bytes, StandardCharsets.UTF_8)).render(REQUEST))
          .isNotNull();
    } catch (ChatTemplateException refused) {
      assertThat(refused.getMessage()).isNotNull();
    }
  }
}
