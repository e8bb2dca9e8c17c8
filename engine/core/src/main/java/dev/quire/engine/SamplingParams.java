package dev.quire.engine;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a request's tokens are chosen and when they end. Made by {@link #builder()}; every value is
 * checked there.
 *
 * <p>A row of logits goes through, in this order: bias, allowed tokens and bad words, the minimum
 * length's ban on ending tokens, repetition, frequency and presence penalties, temperature, min-p,
 * top-k, top-p, typical-p, and the draw.
 *
 * @param n outputs for the same prompt; they share the prompt's blocks
 * @param bestOf samples to draw, of which the {@code n} with the greatest mean log-probability are
 *     given out, best first; equal to {@code n} where all are, in the order of their indices
 * @param beamSearch if not null, outputs are the best {@code n} hypotheses of a beam search
 * @param maxTokens the most tokens to generate; {@link Integer#MAX_VALUE}: to the context's end
 * @param minTokens tokens before which nothing ends the sample
 * @param temperature divides the logits; 0 is greedy
 * @param topK keep the k most probable; 0 keeps all
 * @param topP keep the most probable whose probabilities reach p (Holtzman et al. 2020); 1 keeps
 *     all
 * @param minP keep what has at least this share of the most probable token's probability; 0 keeps
 *     all
 * @param typicalP keep the tokens nearest the distribution's entropy until they reach p (Meister et
 *     al. 2023); 1 keeps all
 * @param seed keys the random numbers; null draws one
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens in the
 *     repetition window (Keskar et al. 2019); 1 is none
 * @param repetitionWindow how many of the last tokens, prompt included, the repetition penalty
 *     sees; −1 is all, 0 none
 * @param presencePenalty taken from the logits of tokens generated before
 * @param frequencyPenalty taken as many times as a token was generated before
 * @param stop texts that end a sample
 * @param includeStopString whether the text keeps the stop string that ended it
 * @param stopTokenIds tokens that end a sample, beside the model's own
 * @param ignoreEos whether the model's own ending tokens end a sample
 * @param logprobs −1 for none; else log-probabilities of each token and of this many best
 * @param promptLogprobs the same for the prompt; such a request takes no prefix from the cache
 * @param logitBias added to the logits of these tokens
 * @param allowedTokenIds if not empty, the only tokens that may be generated
 * @param badWords texts that must not be generated
 * @param skipSpecialTokens whether special tokens are left out of the text
 */
public record SamplingParams(
    int n,
    int bestOf,
    @Nullable BeamSearch beamSearch,
    int maxTokens,
    int minTokens,
    double temperature,
    int topK,
    double topP,
    double minP,
    double typicalP,
    @Nullable Long seed,
    double repetitionPenalty,
    int repetitionWindow,
    double presencePenalty,
    double frequencyPenalty,
    List<String> stop,
    boolean includeStopString,
    List<Integer> stopTokenIds,
    boolean ignoreEos,
    int logprobs,
    int promptLogprobs,
    Map<Integer, Float> logitBias,
    List<Integer> allowedTokenIds,
    List<String> badWords,
    boolean skipSpecialTokens) {

  private static final int MAX_LOGPROBS = 1000;

  public SamplingParams {
    stop = List.copyOf(stop);
    stopTokenIds = List.copyOf(stopTokenIds);
    logitBias = Map.copyOf(logitBias);
    allowedTokenIds = List.copyOf(allowedTokenIds);
    badWords = List.copyOf(badWords);
    require(n >= 1, "n", "at least 1", n);
    require(bestOf >= n, "bestOf", "at least n, " + n, bestOf);
    if (beamSearch != null) {
      require(n <= beamSearch.width(), "n", "at most the beam width, " + beamSearch.width(), n);
      require(bestOf == n, "bestOf", "unset in a beam search, which ranks by itself", bestOf);
      require(stop.isEmpty(), "stop", "empty in a beam search; give stopTokenIds", stop);
    }
    require(maxTokens >= 1, "maxTokens", "at least 1", maxTokens);
    require(minTokens >= 0, "minTokens", "at least 0", minTokens);
    require(minTokens <= maxTokens, "minTokens", "at most maxTokens, " + maxTokens, minTokens);
    require(temperature >= 0 && temperature <= 100, "temperature", "in [0, 100]", temperature);
    require(topK >= 0, "topK", "at least 0 (0 keeps all)", topK);
    require(topP > 0 && topP <= 1, "topP", "in (0, 1]", topP);
    require(minP >= 0 && minP <= 1, "minP", "in [0, 1]", minP);
    require(typicalP > 0 && typicalP <= 1, "typicalP", "in (0, 1]", typicalP);
    require(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "repetitionPenalty",
        "in (0, 100]",
        repetitionPenalty);
    require(
        repetitionWindow >= -1,
        "repetitionWindow",
        "at least -1 (-1 sees all tokens)",
        repetitionWindow);
    require(inPenaltyRange(presencePenalty), "presencePenalty", "in [-2, 2]", presencePenalty);
    require(inPenaltyRange(frequencyPenalty), "frequencyPenalty", "in [-2, 2]", frequencyPenalty);
    require(
        logprobs >= -1 && logprobs <= MAX_LOGPROBS,
        "logprobs",
        "in [0, " + MAX_LOGPROBS + "], or -1 for none",
        logprobs);
    require(
        promptLogprobs >= -1 && promptLogprobs <= MAX_LOGPROBS,
        "promptLogprobs",
        "in [0, " + MAX_LOGPROBS + "], or -1 for none",
        promptLogprobs);
    require(stop.stream().noneMatch(String::isEmpty), "stop", "texts of at least 1 character", "");
    require(badWords.stream().noneMatch(String::isBlank), "badWords", "not blank", "a blank one");
    for (Map.Entry<Integer, Float> bias : logitBias.entrySet()) {
      require(
          bias.getValue() >= -100 && bias.getValue() <= 100,
          "logitBias of token " + bias.getKey(),
          "in [-100, 100]",
          bias.getValue());
    }
  }

  private static boolean inPenaltyRange(double penalty) {
    return penalty >= -2 && penalty <= 2;
  }

  private static void require(boolean holds, String field, String range, Object value) {
    if (!holds) {
      throw QuireException.outOfRange(field, range, value);
    }
  }

  /** Whether the most probable token is taken and no random number drawn. */
  public boolean greedy() {
    return temperature == 0;
  }

  /** Whether outputs are ranked, and so known only when all samples have ended. */
  public boolean ranked() {
    return beamSearch != null || bestOf > n;
  }

  /** The most sequences that such a request runs at once. */
  public int sequences() {
    return beamSearch != null ? beamSearch.width() : bestOf;
  }

  /** Everything unset: one sample at temperature 1 until the model ends it. */
  public static Builder builder() {
    return new Builder();
  }

  /** The most probable token each time, at most {@code maxTokens} of them. */
  public static SamplingParams greedy(int maxTokens) {
    return builder().temperature(0).maxTokens(maxTokens).build();
  }

  /** A builder that starts from these values. */
  public Builder toBuilder() {
    Builder b = new Builder();
    b.n = n;
    b.bestOf = bestOf == n ? 0 : bestOf;
    b.beamSearch = beamSearch;
    b.maxTokens = maxTokens;
    b.minTokens = minTokens;
    b.temperature = temperature;
    b.topK = topK;
    b.topP = topP;
    b.minP = minP;
    b.typicalP = typicalP;
    b.seed = seed;
    b.repetitionPenalty = repetitionPenalty;
    b.repetitionWindow = repetitionWindow;
    b.presencePenalty = presencePenalty;
    b.frequencyPenalty = frequencyPenalty;
    b.stop = stop;
    b.includeStopString = includeStopString;
    b.stopTokenIds = stopTokenIds;
    b.ignoreEos = ignoreEos;
    b.logprobs = logprobs;
    b.promptLogprobs = promptLogprobs;
    b.logitBias = logitBias;
    b.allowedTokenIds = allowedTokenIds;
    b.badWords = badWords;
    b.skipSpecialTokens = skipSpecialTokens;
    return b;
  }

  /** Collects the values; {@link #build()} checks them. */
  public static final class Builder {
    private int n = 1;
    private int bestOf;
    private @Nullable BeamSearch beamSearch;
    private int maxTokens = Integer.MAX_VALUE;
    private int minTokens;
    private double temperature = 1;
    private int topK;
    private double topP = 1;
    private double minP;
    private double typicalP = 1;
    private @Nullable Long seed;
    private double repetitionPenalty = 1;
    private int repetitionWindow = -1;
    private double presencePenalty;
    private double frequencyPenalty;
    private List<String> stop = List.of();
    private boolean includeStopString;
    private List<Integer> stopTokenIds = List.of();
    private boolean ignoreEos;
    private int logprobs = -1;
    private int promptLogprobs = -1;
    private Map<Integer, Float> logitBias = Map.of();
    private List<Integer> allowedTokenIds = List.of();
    private List<String> badWords = List.of();
    private boolean skipSpecialTokens = true;

    private Builder() {}

    public Builder n(int value) {
      this.n = value;
      return this;
    }

    /** At least n; 0 for as many as n, which is the default. */
    public Builder bestOf(int value) {
      this.bestOf = value;
      return this;
    }

    public Builder beamSearch(@Nullable BeamSearch value) {
      this.beamSearch = value;
      return this;
    }

    public Builder maxTokens(int value) {
      this.maxTokens = value;
      return this;
    }

    public Builder minTokens(int value) {
      this.minTokens = value;
      return this;
    }

    public Builder temperature(double value) {
      this.temperature = value;
      return this;
    }

    public Builder topK(int value) {
      this.topK = value;
      return this;
    }

    public Builder topP(double value) {
      this.topP = value;
      return this;
    }

    public Builder minP(double value) {
      this.minP = value;
      return this;
    }

    public Builder typicalP(double value) {
      this.typicalP = value;
      return this;
    }

    public Builder seed(@Nullable Long value) {
      this.seed = value;
      return this;
    }

    public Builder repetitionPenalty(double value) {
      this.repetitionPenalty = value;
      return this;
    }

    public Builder repetitionWindow(int value) {
      this.repetitionWindow = value;
      return this;
    }

    public Builder presencePenalty(double value) {
      this.presencePenalty = value;
      return this;
    }

    public Builder frequencyPenalty(double value) {
      this.frequencyPenalty = value;
      return this;
    }

    public Builder stop(List<String> value) {
      this.stop = value;
      return this;
    }

    public Builder stop(String... values) {
      return stop(List.of(values));
    }

    public Builder includeStopString(boolean value) {
      this.includeStopString = value;
      return this;
    }

    public Builder stopTokenIds(List<Integer> value) {
      this.stopTokenIds = value;
      return this;
    }

    public Builder ignoreEos(boolean value) {
      this.ignoreEos = value;
      return this;
    }

    public Builder logprobs(int value) {
      this.logprobs = value;
      return this;
    }

    public Builder promptLogprobs(int value) {
      this.promptLogprobs = value;
      return this;
    }

    public Builder logitBias(Map<Integer, Float> value) {
      this.logitBias = value;
      return this;
    }

    public Builder allowedTokenIds(List<Integer> value) {
      this.allowedTokenIds = value;
      return this;
    }

    public Builder badWords(List<String> value) {
      this.badWords = value;
      return this;
    }

    public Builder skipSpecialTokens(boolean value) {
      this.skipSpecialTokens = value;
      return this;
    }

    /** The values, checked: an invalid one gives a {@link QuireException} with field and range. */
    public SamplingParams build() {
      return new SamplingParams(
          n,
          bestOf == 0 ? n : bestOf,
          beamSearch,
          maxTokens,
          minTokens,
          temperature,
          topK,
          topP,
          minP,
          typicalP,
          seed,
          repetitionPenalty,
          repetitionWindow,
          presencePenalty,
          frequencyPenalty,
          stop,
          includeStopString,
          stopTokenIds,
          ignoreEos,
          logprobs,
          promptLogprobs,
          logitBias,
          allowedTokenIds,
          badWords,
          skipSpecialTokens);
    }
  }
}
