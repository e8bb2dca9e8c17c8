package dev.quire.engine;

import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A beginning of prompts, such as a system prompt, whose keys and values stay in the KV cache until
 * this is closed. Any request of the same cache salt whose prompt begins with these tokens takes
 * them from there, whatever else the cache has had to drop; {@link #before} makes such prompts.
 * What is shared are full blocks: the tokens of a last, partial one are computed with each request.
 */
public final class PinnedPrefix implements AutoCloseable {
  private final List<Integer> tokenIds;
  private final int pinnedTokens;
  private final @Nullable Tokenizer tokenizer;
  private final Runnable unpin;

  PinnedPrefix(
      List<Integer> tokenIds, int pinnedTokens, @Nullable Tokenizer tokenizer, Runnable unpin) {
    this.tokenIds = List.copyOf(tokenIds);
    this.pinnedTokens = pinnedTokens;
    this.tokenizer = tokenizer;
    this.unpin = unpin;
  }

  /** The prefix as the model sees it. */
  public List<Integer> tokenIds() {
    return tokenIds;
  }

  /** Tokens of it that requests find: those of its full blocks. */
  public int pinnedTokens() {
    return pinnedTokens;
  }

  /** A prompt of this prefix and more tokens. */
  public Prompt before(List<Integer> moreTokenIds) {
    List<Integer> all = new ArrayList<>(tokenIds);
    all.addAll(moreTokenIds);
    return new Prompt.Tokens(all);
  }

  /**
   * A prompt of this prefix and more text, which is tokenised by itself; special tokens in it are
   * recognised.
   *
   * @throws QuireException if the model comes without a tokenizer
   */
  public Prompt before(String moreText) {
    if (tokenizer == null) {
      throw QuireException.invalid("this model has no tokenizer: give the prompt as token ids");
    }
    List<Integer> more = new ArrayList<>();
    for (int id : tokenizer.encode(moreText, false, true)) {
      more.add(id);
    }
    return before(more);
  }

  /** Lets the blocks go; requests may still find them until the cache needs them. */
  @Override
  public void close() {
    unpin.run();
  }
}
