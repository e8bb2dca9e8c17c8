package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.constrain.ConstraintSpec;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A conversation made ready for the engine.
 *
 * @param thinking whether the prompt has begun the model's thoughts
 * @param withTools whether the answer may call tools
 * @param forced whether it must
 */
record ChatPlan(GenerationRequest request, boolean thinking, boolean withTools, boolean forced) {

  static ChatPlan of(
      Engine engine,
      ChatFormat format,
      RequestBody body,
      List<Map<String, @Nullable Object>> messages,
      @Nullable ConstraintSpec asked,
      SamplingParams params) {
    ToolFields tools = ToolFields.of(body);
    Prompt prompt;
    try {
      prompt =
          format.render(
              new ChatFormat.Conversation(
                  messages, tools.forTemplate(), ChatMessages.templateVariables(body)));
    } catch (ApiException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError e) {
      throw ApiException.invalid("the chat template refuses: " + e.getMessage(), "messages");
    }
    boolean thinking =
        prompt instanceof Prompt.Text(String text, boolean _, boolean _)
            && text.stripTrailing().endsWith("<think>");
    ConstraintSpec spec = tools.forced() == null ? asked : tools.forced();
    if (spec != null && thinking) {
      spec = new ConstraintSpec.AfterMarker("</think>", spec);
    }
    boolean withTools = tools.forTemplate() != null;
    // The marks of a call may be special tokens.
    SamplingParams chosen =
        withTools ? params.toBuilder().skipSpecialTokens(false).build() : params;
    var request =
        new GenerationRequest(
            prompt,
            chosen,
            body.integer("priority", 0),
            CompletionEndpoint.salt(body),
            spec == null ? null : engine.constraint(spec));
    return new ChatPlan(request, thinking, withTools, tools.forced() != null);
  }

  ChatText text() {
    return new ChatText(thinking, withTools, forced);
  }
}
