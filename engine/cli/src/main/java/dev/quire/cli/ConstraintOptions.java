package dev.quire.cli;

import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** What may be generated and where it ends, by the names vLLM's users know. */
final class ConstraintOptions {
  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      description = "Tokens before which nothing ends the text (default: 0).")
  private int minTokens;

  @Option(
      names = "--stop-token-ids",
      paramLabel = "ID",
      split = ",",
      description = "Tokens that end the text, beside the model's own.")
  private List<Integer> stopTokenIds = new ArrayList<>();

  @Option(
      names = "--include-stop-str-in-output",
      description = "Keep the stop text that ended the output.")
  private boolean includeStop;

  @Option(
      names = "--logit-bias",
      paramLabel = "ID=BIAS",
      split = ",",
      description = "Added to the logits of tokens, -100 to 100.")
  private Map<Integer, Float> logitBias = new LinkedHashMap<>();

  @Option(
      names = "--allowed-token-ids",
      paramLabel = "ID",
      split = ",",
      description = "The only tokens that may be generated.")
  private List<Integer> allowedTokenIds = new ArrayList<>();

  @Option(
      names = "--bad-words",
      paramLabel = "TEXT",
      description = "A text that must not be generated; may be given several times.")
  private List<String> badWords = new ArrayList<>();

  @Option(
      names = "--skip-special-tokens",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Leave special tokens out of the text (default: on).")
  private boolean skipSpecialTokens = true;

  SamplingParams.Builder addTo(SamplingParams.Builder builder) {
    return builder
        .minTokens(minTokens)
        .stopTokenIds(stopTokenIds)
        .includeStopString(includeStop)
        .logitBias(logitBias)
        .allowedTokenIds(allowedTokenIds)
        .badWords(badWords)
        .skipSpecialTokens(skipSpecialTokens);
  }
}
