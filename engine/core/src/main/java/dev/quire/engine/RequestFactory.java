package dev.quire.engine;

import dev.quire.engine.sample.LogitRules;
import dev.quire.tokenizer.Tokenizer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Checks requests and makes them ready, on the threads that submit them. */
final class RequestFactory {
  private final ModelInfo info;
  private final int maxNumSeqs;
  private final @Nullable Tokenizer tokenizer;
  private final AtomicLong arrivals = new AtomicLong();
  private final SecureRandom seeds = new SecureRandom();

  RequestFactory(ModelInfo info, int maxNumSeqs, @Nullable Tokenizer tokenizer) {
    this.info = info;
    this.maxNumSeqs = maxNumSeqs;
    this.tokenizer = tokenizer;
  }

  /** A request that generates. */
  ActiveRequest generating(GenerationRequest request) {
    int[] prompt = tokens(request.prompt());
    SamplingParams params = request.params();
    if (prompt.length == 0) {
      throw QuireException.invalid("the prompt is empty: it has no tokens to start from");
    }
    int most = info.maxModelLen();
    if (prompt.length >= most) {
      throw QuireException.invalid(
          "the prompt has %d tokens; the most this engine takes is %d, as %s"
              .formatted(prompt.length, most - 1, whyNoLonger()));
    }
    if (params.minTokens() > most - prompt.length) {
      throw QuireException.invalid(
          "minTokens is %d, but after the prompt's %d tokens only %d of %d are left"
              .formatted(params.minTokens(), prompt.length, most - prompt.length, most));
    }
    if (params.sequences() > maxNumSeqs) {
      throw QuireException.invalid(
          "%s is %d, more sequences than the engine runs at once (maxNumSeqs %d)"
              .formatted(whatAsks(params), params.sequences(), maxNumSeqs));
    }
    if (params.beamSearch() != null) {
      throw QuireException.invalid("this build has no beam search yet");
    }
    checkIds("stopTokenIds", params.stopTokenIds());
    checkIds("logitBias", params.logitBias().keySet());
    checkIds("allowedTokenIds", params.allowedTokenIds());
    if (tokenizer == null && !(params.stop().isEmpty() && params.badWords().isEmpty())) {
      throw QuireException.invalid("stop and badWords are texts; this model has no tokenizer");
    }
    LogitRules rules = new LogitRules(params, badWords(params), endings(params));
    Long seed = params.seed();
    return new ActiveRequest(
        arrivals.getAndIncrement(),
        prompt,
        request,
        rules,
        seed == null ? seeds.nextLong() : seed,
        most,
        false,
        null);
  }

  /** A request that only computes its tokens, for their logits. */
  ActiveRequest scoring(int[] ids, ActiveRequest.RowSink sink) {
    checkIds("the token ids", IntStream.of(ids).boxed().toList());
    if (ids.length == 0 || ids.length > info.maxModelLen()) {
      throw QuireException.invalid(
          "%d token ids; between 1 and %d can be scored at once, as %s"
              .formatted(ids.length, info.maxModelLen(), whyNoLonger()));
    }
    SamplingParams params = SamplingParams.greedy(1);
    LogitRules rules = new LogitRules(params, List.of(), new int[0]);
    return new ActiveRequest(
        arrivals.getAndIncrement(),
        ids.clone(),
        new GenerationRequest(new Prompt.Tokens(List.of()), params),
        rules,
        0,
        info.maxModelLen() + 1,
        true,
        sink);
  }

  private static String whatAsks(SamplingParams params) {
    return params.beamSearch() != null
        ? "the beam width"
        : params.bestOf() > params.n() ? "bestOf" : "n";
  }

  private String whyNoLonger() {
    return "the model's context is %d tokens and the longest sequence is set to %d (maxModelLen; the KV cache holds %d blocks of %d tokens)"
        .formatted(info.trainedContext(), info.maxModelLen(), info.kvBlocks(), info.blockSize());
  }

  private int[] tokens(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Tokens(List<Integer> ids) -> {
        checkIds("the prompt's token ids", ids);
        yield ids.stream().mapToInt(i -> i).toArray();
      }
      case Prompt.Text(String text, boolean addSpecial, boolean parseSpecial) -> {
        if (tokenizer == null) {
          throw QuireException.invalid("this model has no tokenizer: give the prompt as token ids");
        }
        yield tokenizer.encode(text, addSpecial, parseSpecial);
      }
    };
  }

  private void checkIds(String field, Iterable<Integer> ids) {
    for (int id : ids) {
      if (id < 0 || id >= info.vocabularySize()) {
        throw QuireException.invalid(
            "%s: %d is no token; the vocabulary has the ids 0 to %d"
                .formatted(field, id, info.vocabularySize() - 1));
      }
    }
  }

  private int[] endings(SamplingParams params) {
    IntStream own =
        params.ignoreEos() || tokenizer == null
            ? IntStream.empty()
            : IntStream.of(tokenizer.endOfTurnIds());
    IntStream asked = params.stopTokenIds().stream().mapToInt(i -> i);
    return IntStream.concat(own, asked)
        .filter(id -> id < info.vocabularySize())
        .distinct()
        .toArray();
  }

  /** A word may begin a text or follow a space, which are different tokens. */
  private List<int[]> badWords(SamplingParams params) {
    List<int[]> spellings = new ArrayList<>();
    if (tokenizer != null) {
      for (String word : params.badWords()) {
        for (String spelling : List.of(word.strip(), " " + word.strip())) {
          int[] ids = tokenizer.encode(spelling, false, false);
          if (ids.length > 0) {
            spellings.add(ids);
          }
        }
      }
    }
    return spellings;
  }
}
