package dev.quire.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request's stream tells. Every one of its {@code n} outputs ends with exactly one {@link
 * Finished}. Ranked outputs (bestOf, beam search) come when all samples have ended, each as one
 * {@link Text} and its {@link Finished}, best first.
 */
public sealed interface GenerationEvent {
  /** The output, from 0, of the request's {@code n}. */
  int index();

  /**
   * More text of a sample. Text that may be the beginning of a stop string, or of a character, is
   * held back until it is certain.
   *
   * @param text what was added; may be empty where tokens give no text
   * @param tokenIds the tokens since the last event, those of text still held back included
   * @param logprobs one for each token, or empty where none were asked for
   */
  record Text(int index, String text, List<Integer> tokenIds, List<TokenLogprobs> logprobs)
      implements GenerationEvent {
    public Text {
      tokenIds = List.copyOf(tokenIds);
      logprobs = List.copyOf(logprobs);
    }
  }

  /**
   * Log-probabilities of the prompt's tokens, the first one excepted; once a request that asked for
   * them, before any text, with index 0.
   */
  record PromptScored(List<TokenLogprobs> logprobs) implements GenerationEvent {
    public PromptScored {
      logprobs = List.copyOf(logprobs);
    }

    @Override
    public int index() {
      return 0;
    }
  }

  /**
   * The sample ended.
   *
   * @param detail the stop string that matched, or what went wrong; null otherwise
   * @param usage of this sample
   */
  record Finished(int index, FinishReason reason, @Nullable String detail, Usage usage)
      implements GenerationEvent {}
}
