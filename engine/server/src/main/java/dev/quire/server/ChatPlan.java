package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ChatTurn;
import dev.quire.engine.chat.ToolCall;
import dev.quire.engine.chat.ToolCallPiece;
import dev.quire.engine.constrain.ConstraintSpec;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A chat request made ready for the engine.
 *
 * @param parallelCalls whether one answer may hold several calls
 */
record ChatPlan(ChatTurn turn, GenerationRequest request, boolean parallelCalls) {

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
    boolean withTools = tools.forTemplate() != null;
    ChatTurn turn = ChatTurn.of(engine, prompt, withTools, asked, tools.forced(), params);
    GenerationRequest request =
        turn.request()
            .withPriority(body.integer("priority", 0))
            .withCacheSalt(CompletionEndpoint.salt(body));
    return new ChatPlan(turn, request, body.flag("parallel_tool_calls", true));
  }

  /** The calls that are given out: where only one is wanted at a time, the first. */
  List<ToolCall> kept(List<ToolCall> calls) {
    return parallelCalls || calls.isEmpty() ? calls : calls.subList(0, 1);
  }

  /** The parts of calls that are given out. */
  List<ToolCallPiece> keptPieces(List<ToolCallPiece> pieces) {
    return parallelCalls ? pieces : pieces.stream().filter(p -> p.index() == 0).toList();
  }

  ChatText text() {
    return turn.text();
  }
}
