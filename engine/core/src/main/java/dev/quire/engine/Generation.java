package dev.quire.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A finished request.
 *
 * @param outputs one a sample, in the order of their indices
 * @param promptTokenIds the prompt as the model saw it
 * @param promptLogprobs of the prompt's tokens after the first, where asked for; else empty
 * @param seed what the random numbers were keyed by; the same seed gives the same outputs
 * @param usage of the whole request
 */
public record Generation(
    List<Output> outputs,
    List<Integer> promptTokenIds,
    List<TokenLogprobs> promptLogprobs,
    long seed,
    Usage usage) {
  public Generation {
    outputs = List.copyOf(outputs);
    promptTokenIds = List.copyOf(promptTokenIds);
    promptLogprobs = List.copyOf(promptLogprobs);
  }

  /** The first sample's text. */
  public String text() {
    return outputs.getFirst().text();
  }

  /** Why the first sample ended. */
  public FinishReason finishReason() {
    return outputs.getFirst().finishReason();
  }

  /**
   * One sample.
   *
   * @param tokenIds every token that was kept, the ending one included
   * @param logprobs one for each token where asked for; else empty
   * @param detail the stop string that matched; null otherwise
   */
  public record Output(
      int index,
      String text,
      List<Integer> tokenIds,
      List<TokenLogprobs> logprobs,
      FinishReason finishReason,
      @Nullable String detail) {
    public Output {
      tokenIds = List.copyOf(tokenIds);
      logprobs = List.copyOf(logprobs);
    }
  }
}
