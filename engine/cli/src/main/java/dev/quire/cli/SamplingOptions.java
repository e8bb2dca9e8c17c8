package dev.quire.cli;

import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingDefaults;
import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * How tokens are chosen, by the names and defaults llama.cpp's users know; what a model says of
 * itself goes before those defaults.
 */
final class SamplingOptions {
  @Option(
      names = {"-n", "--n-predict", "--max-tokens"},
      paramLabel = "N",
      description =
          "The most tokens to generate; -1: until the model ends or its context is full (default:"
              + " 256 for run, -1 for chat).")
  private @Nullable Integer maxTokens;

  @Option(
      names = {"--temp", "--temperature"},
      paramLabel = "T",
      description =
          "Divides the logits; 0 takes the most probable token (default: 0.8, or the model's own).")
  private @Nullable Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description =
          "Keep the K most probable tokens; 0 keeps all (default: 40, or the model's own).")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Keep the most probable tokens that reach P; 1 keeps all (default: 0.95, or the model's"
              + " own).")
  private @Nullable Double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description =
          "Keep tokens with at least this share of the most probable one's probability; 0 keeps"
              + " all (default: 0.05, or the model's own).")
  private @Nullable Double minP;

  @Option(
      names = {"--typical", "--typical-p"},
      paramLabel = "P",
      description = "Locally typical sampling; 1 keeps all (default: 1, or the model's own).")
  private @Nullable Double typicalP;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "SEED",
      description = "Keys the random numbers; -1 draws one (default: -1).")
  private long seed = -1;

  @Option(
      names = "--repeat-penalty",
      paramLabel = "R",
      description =
          "Weakens tokens that occurred lately; 1 is none (default: 1, or the model's own).")
  private @Nullable Double repeatPenalty;

  @Option(
      names = "--repeat-last-n",
      paramLabel = "N",
      description = "How many tokens --repeat-penalty looks back; -1: all (default: 64).")
  private int repeatLastN = 64;

  @Option(
      names = "--presence-penalty",
      paramLabel = "R",
      description = "Taken from the logits of generated tokens (default: 0).")
  private double presencePenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "R",
      description = "The same for each time a token was generated (default: 0).")
  private double frequencyPenalty;

  @Option(
      names = {"--stop", "-r", "--reverse-prompt"},
      paramLabel = "TEXT",
      description = "Ends the text before this one; may be given several times.")
  private List<String> stop = new ArrayList<>();

  @Mixin private ConstraintOptions constraints = new ConstraintOptions();

  @Option(names = "--ignore-eos", description = "Go on when the model would end.")
  private boolean ignoreEos;

  /**
   * The parameters, checked; a value out of range is wrong usage.
   *
   * @param defaultTokens where {@code -n} is not given
   * @param own what the model says where no option does
   */
  SamplingParams toParams(int defaultTokens, SamplingDefaults own) {
    int tokens = maxTokens == null ? defaultTokens : maxTokens;
    if (tokens == 0 || tokens < -1) {
      throw new UsageError(
          "-n must be at least 1, or -1 to go on until the model ends; it is " + tokens);
    }
    try {
      return constraints
          .addTo(SamplingParams.builder())
          .maxTokens(tokens == -1 ? Integer.MAX_VALUE : tokens)
          .temperature(temperature == null ? own.temperature(0.8) : temperature)
          .topK(topK == null ? own.topK(40) : topK)
          .topP(topP == null ? own.topP(0.95) : topP)
          .minP(minP == null ? own.minP(0.05) : minP)
          .typicalP(typicalP == null ? own.typicalP(1) : typicalP)
          .seed(seed == -1 ? null : seed)
          .repetitionPenalty(repeatPenalty == null ? own.repetitionPenalty(1) : repeatPenalty)
          .repetitionWindow(repeatLastN)
          .presencePenalty(presencePenalty)
          .frequencyPenalty(frequencyPenalty)
          .stop(stop)
          .ignoreEos(ignoreEos)
          .build();
    } catch (QuireException e) {
      throw Flags.wrongUsage(e);
    }
  }
}
