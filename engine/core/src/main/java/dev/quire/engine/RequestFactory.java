package dev.quire.engine;

import dev.quire.engine.ActiveRequest.Purpose;
import dev.quire.engine.sample.LogitRules;
import dev.quire.paging.KvAllocator;
import dev.quire.tokenizer.Tokenizer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Checks requests and makes them ready, on the threads that submit them. */
final class RequestFactory {
  private static final LogitRules NO_RULES =
      new LogitRules(SamplingParams.greedy(1), List.of(), new int[0]);

  private final ModelInfo info;
  private final KvAllocator allocator;
  private final EngineOptions options;
  private final @Nullable Tokenizer tokenizer;
  private final AtomicLong arrivals = new AtomicLong();
  private final AtomicInteger pinnedBlocks = new AtomicInteger();
  private final SecureRandom seeds = new SecureRandom();

  /**
   * @param allocator asked only what depends on its configuration alone
   */
  RequestFactory(
      ModelInfo info, KvAllocator allocator, EngineOptions options, @Nullable Tokenizer tokenizer) {
    this.info = info;
    this.allocator = allocator;
    this.options = options;
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
      throw QuireException.outOfRange(
          "minTokens",
          "at most %d, what the prompt's %d tokens leave of %d"
              .formatted(most - prompt.length, prompt.length, most),
          params.minTokens());
    }
    checkSequences(params, prompt.length);
    checkIds("stopTokenIds", params.stopTokenIds());
    checkIds("logitBias", params.logitBias().keySet());
    checkIds("allowedTokenIds", params.allowedTokenIds());
    if (tokenizer == null && !(params.stop().isEmpty() && params.badWords().isEmpty())) {
      throw QuireException.invalid("stop and badWords are texts; this model has no tokenizer");
    }
    checkConstraint(request);
    LogitRules rules =
        new LogitRules(params, badWords(params), endings(params))
            .withConstraint(request.constraint());
    Long seed = params.seed();
    return new ActiveRequest(
        arrivals.getAndIncrement(),
        Purpose.GENERATE,
        prompt,
        request,
        rules,
        seed == null ? seeds.nextLong() : seed,
        most,
        null);
  }

  /** What could forbid every token that a constraint allows. */
  private static void checkConstraint(GenerationRequest request) {
    SamplingParams params = request.params();
    if (request.constraint() == null) {
      return;
    }
    if (params.beamSearch() != null
        || !params.allowedTokenIds().isEmpty()
        || !params.badWords().isEmpty()) {
      throw QuireException.invalid(
          "a constraint goes without beam search, allowedTokenIds and badWords");
    }
  }

  private void checkSequences(SamplingParams params, int promptLength) {
    int sequences = params.sequences();
    String setting =
        params.beamSearch() != null ? "beamWidth" : params.bestOf() > params.n() ? "bestOf" : "n";
    if (sequences > options.maxNumSeqs()) {
      throw QuireException.outOfRange(
          setting,
          "at most maxNumSeqs, %d (sequences that run at once)".formatted(options.maxNumSeqs()),
          sequences);
    }
    if (params.beamSearch() == null) {
      return; // samples that do not fit together take turns
    }
    if (sequences > options.maxNumBatchedTokens()) {
      throw QuireException.outOfRange(
          setting,
          "at most maxNumBatchedTokens, %d (tokens that a step computes)"
              .formatted(options.maxNumBatchedTokens()),
          sequences);
    }
    int length = (int) Math.min(info.maxModelLen(), (long) promptLength + params.maxTokens());
    if (!allocator.canEverFit(promptLength, length, sequences)) {
      throw QuireException.invalid(
          "%d beams of up to %d tokens may not fit the KV cache, which has %d blocks of %d tokens; ask for fewer tokens or beams"
              .formatted(sequences, length, info.kvBlocks(), info.blockSize()));
    }
  }

  /** A request that computes a prefix to be kept; it counts as pinned from now on. */
  ActiveRequest pinning(Prompt prefix, long cacheSalt) {
    int[] ids = tokens(prefix);
    int blocks = ids.length / info.blockSize();
    if (blocks == 0) {
      throw QuireException.invalid(
          "the prefix has %d tokens; a pinned one has at least one block of %d"
              .formatted(ids.length, info.blockSize()));
    }
    if (!options.prefixCaching()) {
      throw QuireException.invalid("prefixes are pinned in the prefix cache, which is off");
    }
    int longest = Math.ceilDiv(info.maxModelLen(), info.blockSize());
    int pool = allocator.smallestPool();
    int pinned = pinnedBlocks.addAndGet(blocks);
    if (ids.length >= info.maxModelLen() || pinned + longest > pool) {
      pinnedBlocks.addAndGet(-blocks);
      throw QuireException.invalid(
          "the prefix takes %d blocks and others have pinned %d; of the KV cache's %d blocks a sequence of maxModelLen (%d tokens) must find %d; set a smaller one"
              .formatted(blocks, pinned - blocks, pool, info.maxModelLen(), longest));
    }
    return new ActiveRequest(
        arrivals.getAndIncrement(),
        Purpose.PIN,
        ids,
        new GenerationRequest(new Prompt.Tokens(List.of()), SamplingParams.greedy(1), 0, cacheSalt),
        NO_RULES,
        0,
        info.maxModelLen() + 1,
        null);
  }

  /** A pinned prefix goes, or could not be computed. */
  void unpinned(ActiveRequest request) {
    pinnedBlocks.addAndGet(-(request.prompt.length / info.blockSize()));
  }

  /** A request that only computes its tokens, for their logits. */
  ActiveRequest scoring(int[] ids, ActiveRequest.RowSink sink) {
    checkIds("the token ids", IntStream.of(ids).boxed().toList());
    if (ids.length == 0 || ids.length > info.maxModelLen()) {
      throw QuireException.invalid(
          "%d token ids; between 1 and %d can be scored at once, as %s"
              .formatted(ids.length, info.maxModelLen(), whyNoLonger()));
    }
    return new ActiveRequest(
        arrivals.getAndIncrement(),
        Purpose.SCORE,
        ids.clone(),
        new GenerationRequest(new Prompt.Tokens(List.of()), SamplingParams.greedy(1)),
        NO_RULES,
        0,
        info.maxModelLen() + 1,
        sink);
  }

  private String whyNoLonger() {
    return "the model's context is %d tokens and the longest sequence is set to %d (maxModelLen, --max-model-len; the KV cache holds %d blocks of %d tokens)"
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
