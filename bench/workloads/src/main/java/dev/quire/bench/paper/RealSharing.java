package dev.quire.bench.paper;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.EngineStats;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;

/**
 * How much samples and beams share in the engine itself, with the embedded model: Alpaca-like
 * lengths, prompts of text that the model wrote, and the block pool looked at while all run.
 */
final class RealSharing {
  private static final int REQUESTS = 160;
  private static final int BEAM_REQUESTS = 40;
  private static final int AT_ONCE = 12;
  private static final long INTERVAL_MILLIS = 20;

  private final Engine engine;
  private final List<GenerationRequest> plain;

  private RealSharing(Engine engine) {
    this.engine = engine;
    this.plain = requests();
  }

  /** Share of the blocks saved, in percent, for each width of samples and then of beams. */
  static List<Double> savedShares(int... widths) {
    EngineOptions options =
        EngineOptions.builder().device("cpu").prefixCaching(false).numKvBlocks(4000).build();
    try (Engine engine = Engine.loadEmbedded(options)) {
      RealSharing sharing = new RealSharing(engine);
      List<Double> shares = new ArrayList<>();
      for (int width : widths) {
        shares.add(sharing.savedShare(width, false));
      }
      for (int width : widths) {
        shares.add(sharing.savedShare(width, true));
      }
      return shares;
    }
  }

  static Figure figure() {
    List<Double> shares = savedShares(2, 4, 6);
    double[] paper = {6.09, 8.53, 9.79, 37.56, 53.13, 55.16};
    List<Figure.Row> rows = new ArrayList<>();
    for (int i = 0; i < shares.size(); i++) {
      String label = 2 + 2 * (i % 3) + (i < 3 ? " samples" : " beams");
      rows.add(new Figure.Row(label, paper[i], shares.get(i)));
    }
    return new Figure(
        "15, real",
        "Blocks saved by sharing in the engine itself: the embedded model, Alpaca-like lengths",
        "%",
        rows,
        "No simulation: the engine's own samples and beam searches on the CPU, its block pool"
            + " looked at every 20 ms while twelve requests are under way. 160 requests, 40 for"
            + " beams, clipped to the model's context; prompts are text that the model wrote. How"
            + " alike beams are is the model's matter, a small one of Shakespeare's English here"
            + " and OPT-13B in the paper.",
        null);
  }

  private List<GenerationRequest> requests() {
    int longest = engine.info().maxModelLen();
    List<Trace.Arrival> lengths = Trace.ALPACA.arrivals(1, 1e9, REQUESTS, 3);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      int prompt = Math.min(lengths.get(i).prompt(), longest / 2);
      int output = Math.min(lengths.get(i).output(), longest - prompt - 1);
      SamplingParams writing =
          SamplingParams.builder().seed((long) i).maxTokens(prompt).ignoreEos(true).build();
      List<Integer> text =
          engine
              .submit(new GenerationRequest(Prompt.text("\n"), writing))
              .await()
              .outputs()
              .getFirst()
              .tokenIds();
      SamplingParams params =
          SamplingParams.builder().seed((long) i).maxTokens(output).ignoreEos(true).build();
      requests.add(new GenerationRequest(new Prompt.Tokens(text), params));
    }
    return requests;
  }

  /** Weighted by steps, while there are always some requests under way and more to come. */
  private double savedShare(int width, boolean beams) {
    List<GenerationRequest> coming = beams ? plain.subList(0, BEAM_REQUESTS) : plain;
    List<RequestHandle> running = new ArrayList<>();
    int next = 0;
    double used = 0;
    double saved = 0;
    long steps = engine.stats().steps();
    try {
      while (next < coming.size()) {
        running.removeIf(handle -> handle.completion().isDone());
        while (running.size() < AT_ONCE && next < coming.size()) {
          running.add(engine.submit(with(coming.get(next++), width, beams)));
        }
        Thread.sleep(INTERVAL_MILLIS);
        EngineStats stats = engine.stats();
        used += (double) (stats.steps() - steps) * stats.memory().usedBlocks();
        saved += (double) (stats.steps() - steps) * stats.memory().savedBlocks();
        steps = stats.steps();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      running.forEach(RequestHandle::cancel);
    }
    running.forEach(RequestHandle::await);
    return 100 * saved / Math.max(1, used + saved);
  }

  private static GenerationRequest with(GenerationRequest request, int width, boolean beams) {
    SamplingParams.Builder params = request.params().toBuilder().n(width);
    if (beams) {
      params.beamSearch(BeamSearch.ofWidth(width));
    }
    return new GenerationRequest(request.prompt(), params.build());
  }
}
