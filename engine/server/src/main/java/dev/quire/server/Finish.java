package dev.quire.server;

import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.SamplingParams;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Why a sample ended, in the API's words. */
final class Finish {
  private Finish() {}

  static String reason(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED -> "abort";
      case ERROR -> "error";
    };
  }

  /**
   * Writes {@code stop_reason}, as vLLM has it: the stop string or the stop token that ended the
   * sample; null where the model did, or where it ended otherwise.
   *
   * @param lastToken of the sample; −1 if there is none
   */
  static void putStopReason(
      ObjectNode choice,
      FinishReason reason,
      @Nullable String detail,
      int lastToken,
      SamplingParams params) {
    if (reason == FinishReason.STOP
        && detail == null
        && params.stopTokenIds().contains(lastToken)) {
      choice.put("stop_reason", lastToken);
    } else {
      choice.put("stop_reason", detail);
    }
  }

  /** The same of a whole output. */
  static void putStopReason(ObjectNode choice, Generation.Output output, SamplingParams params) {
    int last = output.tokenIds().isEmpty() ? -1 : output.tokenIds().getLast();
    putStopReason(choice, output.finishReason(), output.detail(), last, params);
  }
}
