package dev.quire.tests;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.BeamSearch.EarlyStopping;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Requests of every decoding method, made of a seed. */
final class Storm {
  private static final int METHODS = 14;

  private final Random random;
  private final int vocabulary;
  private final int[] sharedPrefix;

  Storm(long seed, int vocabulary) {
    this.random = new Random(seed);
    this.vocabulary = vocabulary;
    this.sharedPrefix = ids(40);
  }

  static List<GenerationRequest> requests(long seed, int count, int vocabulary) {
    Storm storm = new Storm(seed, vocabulary);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(storm.request(i));
    }
    return requests;
  }

  private int[] ids(int length) {
    return random.ints(length, 5, vocabulary).toArray();
  }

  private GenerationRequest request(int i) {
    // Short prompts and long outputs: what is admitted by its prompt outgrows the pool.
    int[] own = ids(1 + random.nextInt(30));
    int[] prompt = own;
    if (random.nextInt(3) == 0) {
      prompt = IntStream.concat(IntStream.of(sharedPrefix), IntStream.of(own)).toArray();
    }
    SamplingParams.Builder b =
        SamplingParams.builder()
            .maxTokens(1 + random.nextInt(100))
            .seed(random.nextLong())
            .temperature(0.5 + random.nextDouble())
            .ignoreEos(random.nextBoolean());
    method(b, i % METHODS);
    return new GenerationRequest(Prompt.tokens(prompt), b.build())
        .withPriority(random.nextInt(4))
        .withCacheSalt(random.nextInt(3));
  }

  private void method(SamplingParams.Builder b, int method) {
    switch (method) {
      case 0 -> b.temperature(0);
      case 1 -> b.topK(1 + random.nextInt(60));
      case 2 -> b.topP(0.3 + 0.7 * random.nextDouble()).minP(0.1 * random.nextDouble());
      case 3 -> b.typicalP(0.4 + 0.5 * random.nextDouble());
      case 4 -> b.repetitionPenalty(1.3).repetitionWindow(20);
      case 5 -> b.presencePenalty(1).frequencyPenalty(0.5);
      case 6 -> b.n(2 + random.nextInt(4));
      case 7 -> b.n(2).bestOf(3 + random.nextInt(3));
      case 8 -> beams(b);
      case 9 -> b.logprobs(random.nextInt(4)).promptLogprobs(random.nextInt(3));
      case 10 -> b.logitBias(Map.of(70, 4f, 71, -4f)).allowedTokenIds(allowed());
      case 11 -> b.badWords(List.of("a", "in", "the")).skipSpecialTokens(false);
      case 12 -> b.stop("e", "th").includeStopString(random.nextBoolean());
      case 13 -> {
        List<Integer> stops = random.ints(20, 5, vocabulary).boxed().toList();
        b.maxTokens(100).minTokens(random.nextInt(60)).stopTokenIds(stops);
      }
      default -> throw new IllegalStateException("method " + method);
    }
  }

  private void beams(SamplingParams.Builder b) {
    int width = 2 + random.nextInt(4);
    EarlyStopping[] stopping = EarlyStopping.values();
    b.beamSearch(
            new BeamSearch(
                width, random.nextDouble() * 2, stopping[random.nextInt(stopping.length)]))
        .n(1 + random.nextInt(width))
        .stopTokenIds(random.ints(10, 5, vocabulary).boxed().toList());
  }

  private List<Integer> allowed() {
    return random.ints(60, 5, vocabulary).boxed().distinct().toList();
  }
}
