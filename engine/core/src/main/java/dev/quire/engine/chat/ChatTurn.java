package dev.quire.engine.chat;

import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.constrain.ConstraintSpec;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The assistant's next turn of a conversation, made ready for the engine.
 *
 * @param thinking whether the prompt has begun the model's thoughts
 * @param withTools whether the answer may call functions
 * @param forced whether it must
 */
public record ChatTurn(
    GenerationRequest request, boolean thinking, boolean withTools, boolean forced) {

  /**
   * Writes the conversation down and compiles what the answer must match.
   *
   * @param asked what the answer's text must match; null for anything
   * @param call what the answer must be where a call is demanded, by {@link ToolCall#required};
   *     null otherwise
   * @throws RuntimeException with the template's message if it refuses the conversation
   * @throws dev.quire.engine.QuireException if a constraint is malformed or not supported
   */
  public static ChatTurn of(
      Engine engine,
      Prompt prompt,
      boolean withTools,
      @Nullable ConstraintSpec asked,
      @Nullable ConstraintSpec call,
      SamplingParams params) {
    boolean thinking =
        prompt instanceof Prompt.Text(String text, boolean _, boolean _)
            && text.stripTrailing().endsWith("<think>");
    ConstraintSpec spec = call == null ? asked : call;
    if (spec != null && thinking) {
      spec = new ConstraintSpec.AfterMarker("</think>", spec);
    }
    // The marks of a call may be special tokens.
    SamplingParams chosen =
        withTools ? params.toBuilder().skipSpecialTokens(false).build() : params;
    var request = new GenerationRequest(prompt, chosen);
    return new ChatTurn(
        spec == null ? request : request.withConstraint(engine.constraint(spec)),
        thinking,
        withTools,
        call != null);
  }

  /** Takes one answer's text apart; each of {@code n} answers needs one of its own. */
  public ChatText text() {
    return new ChatText(thinking, withTools, forced);
  }

  /** How many of an answer's tokens are thoughts, the marks around them not counted. */
  public int reasoningTokens(Tokenizer tokenizer, Generation.Output output) {
    if (!thinking && (forced || !ChatText.beginsToThink(output.text()))) {
      return 0;
    }
    List<Integer> tokens = output.tokenIds();
    if (output.finishReason() == FinishReason.STOP && output.detail() == null) {
      tokens = tokens.subList(0, Math.max(0, tokens.size() - 1)); // the ending token says nothing
    }
    return ChatText.thoughts(tokenizer, tokens, request.params().skipSpecialTokens(), thinking);
  }
}
