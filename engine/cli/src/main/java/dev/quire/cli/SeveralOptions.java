package dev.quire.cli;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.BeamSearch.EarlyStopping;
import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingParams;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Several outputs of one prompt: samples, the best of them, or the beams of a search. */
final class SeveralOptions {
  @Option(
      names = {"--samples", "--num-outputs"},
      paramLabel = "N",
      description = "Outputs to give for the prompt (default: 1).")
  private int outputs = 1;

  @Option(
      names = "--best-of",
      paramLabel = "N",
      description = "Draw so many and give the most probable ones (default: as many as --samples).")
  private int bestOf;

  @Option(
      names = "--beam-width",
      paramLabel = "N",
      description =
          "Search with so many beams instead of drawing; gives the best hypotheses, --samples of"
              + " them.")
  private @Nullable Integer beamWidth;

  @Option(
      names = "--length-penalty",
      paramLabel = "X",
      description =
          "Hypotheses are compared by log-probability / length^X: above 0 favours longer ones"
              + " (default: 1).")
  private double lengthPenalty = 1;

  @Option(
      names = "--early-stopping",
      paramLabel = "WHEN",
      description =
          "When a search ends that has as many hypotheses as beams: true, at once; false, when the"
              + " best beam looks worse than them; never, when no beam can become better (default:"
              + " false).")
  private String earlyStopping = "false";

  SamplingParams addTo(SamplingParams params) {
    try {
      SamplingParams.Builder builder = params.toBuilder().n(outputs).bestOf(bestOf);
      if (beamWidth != null) {
        builder.beamSearch(new BeamSearch(beamWidth, lengthPenalty, stopping()));
      }
      return builder.build();
    } catch (QuireException e) {
      throw Flags.wrongUsage(e);
    }
  }

  private EarlyStopping stopping() {
    return switch (earlyStopping) {
      case "true" -> EarlyStopping.FIRST_FINISHED;
      case "false" -> EarlyStopping.HEURISTIC;
      case "never" -> EarlyStopping.NEVER;
      default ->
          throw new UsageError(
              "--early-stopping must be true, false or never; it is " + earlyStopping);
    };
  }
}
