package dev.quire.paging;

import org.jspecify.annotations.Nullable;

/**
 * How much a {@link ReservingAllocator} sets aside for a sequence: the three Orcas of Kwon et al.
 * 2023, section 6.1. FasterTransformer reserves as {@link #MAX} does.
 */
public enum ReservationPolicy {
  /** The model's maximum length, as the output's length is unknown. */
  MAX,
  /** Prompt, and the output's true length rounded up to a power of two. */
  POWER_OF_TWO,
  /** Prompt and the output's true length. */
  ORACLE;

  /** Tokens to set aside, at most {@code maxTokens}. */
  int tokens(@Nullable LengthHint hint, int maxTokens) {
    if (this == MAX) {
      return maxTokens;
    }
    if (hint == null) {
      throw new PagingException(
          "reservation policy %s needs to know a sequence's lengths; pass a LengthHint"
              .formatted(this));
    }
    long output =
        this == ORACLE ? hint.outputTokens() : 1L << BuddyAllocator.orderOf(hint.outputTokens());
    return (int) Math.min(hint.promptTokens() + output, maxTokens);
  }
}
