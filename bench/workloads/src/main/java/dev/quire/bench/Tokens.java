package dev.quire.bench;

import dev.quire.engine.Prompt;
import java.util.SplittableRandom;

/** Prompts of random tokens: what a model computes does not depend on what they mean. */
final class Tokens {
  private Tokens() {}

  static Prompt random(int count, int vocabularySize, long seed) {
    var random = new SplittableRandom(seed);
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = random.nextInt(vocabularySize);
    }
    return Prompt.tokens(ids);
  }
}
