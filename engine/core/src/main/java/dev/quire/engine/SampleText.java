package dev.quire.engine;

import dev.quire.tokenizer.StreamingDecoder;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text of one sample so far: decodes its tokens and looks for stop strings. */
final class SampleText {
  private final SamplingParams params;
  private final @Nullable StreamingDecoder decoder;
  private final StopMatcher matcher;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();
  private final List<TokenLogprobs> logprobs = new ArrayList<>();
  private double cumulativeLogprob;
  private int emittedChars;
  private int emittedTokens;
  private TokenStream.@Nullable Finish finish;

  SampleText(@Nullable Tokenizer tokenizer, SamplingParams params) {
    this.params = params;
    decoder = tokenizer == null ? null : tokenizer.streamingDecoder(params.skipSpecialTokens());
    matcher = new StopMatcher(params.stop(), params.includeStopString());
  }

  /**
   * Takes a token, unless the text ended before it.
   *
   * @return whether it completed a stop string
   */
  boolean accept(int token, boolean ending, @Nullable TokenLogprobs scored) {
    if (stopped()) {
      return false;
    }
    tokens.add(token);
    if (scored != null) {
      cumulativeLogprob += scored.logprob();
      if (params.logprobs() >= 0) {
        logprobs.add(scored);
      }
    }
    boolean silent =
        ending && !(params.includeStopString() && params.stopTokenIds().contains(token));
    if (decoder != null && !silent) {
      boolean mayStop = tokens.size() >= params.minTokens();
      text.append(matcher.accept(decoder.accept(token), mayStop));
    }
    return stopped();
  }

  private boolean stopped() {
    return matcher.matched() != null;
  }

  /** Ends the text, with what was held back. */
  void finish(TokenStream.Finish how) {
    String matched = matcher.matched();
    if (matched != null) {
      finish = TokenStream.Finish.of(FinishReason.STOP, matched, how.usage().of(tokens.size()));
      return;
    }
    if (decoder != null) {
      text.append(matcher.accept(decoder.finish(), true)).append(matcher.finish());
    }
    finish = how;
  }

  /** How the sample ended, or null while it goes on or if there never was one. */
  TokenStream.@Nullable Finish finish() {
    return finish;
  }

  /** Whether there is text, or without a tokenizer tokens, that {@link #drain} has not given. */
  boolean hasNews() {
    return text.length() > emittedChars || (decoder == null && hasTokens());
  }

  /** Whether there are tokens that {@link #drain} has not given. */
  boolean hasTokens() {
    return tokens.size() > emittedTokens;
  }

  /** What came since the last call. */
  GenerationEvent.Text drain(int index) {
    int firstLogprob = logprobs.isEmpty() ? 0 : emittedTokens;
    GenerationEvent.Text event =
        new GenerationEvent.Text(
            index,
            text.substring(emittedChars),
            tokens.subList(emittedTokens, tokens.size()),
            logprobs.subList(firstLogprob, logprobs.size()));
    emittedChars = text.length();
    emittedTokens = tokens.size();
    return event;
  }

  /** Mean log-probability of a token, by which samples are ranked. */
  double meanLogprob() {
    return tokens.isEmpty() ? Double.NEGATIVE_INFINITY : cumulativeLogprob / tokens.size();
  }

  /** The finished sample as the request's output {@code index}. */
  Generation.Output output(int index, TokenStream.Finish end) {
    double cumulative = Double.NaN;
    double score = Double.NaN;
    if (params.beamSearch() != null) {
      cumulative = end.cumulativeLogprob();
      score = end.score();
    } else if (params.ranked() || params.logprobs() >= 0) {
      cumulative = cumulativeLogprob;
      score = params.ranked() ? meanLogprob() : Double.NaN;
    }
    return new Generation.Output(
        index, text.toString(), tokens, logprobs, cumulative, score, end.reason(), end.detail());
  }
}
