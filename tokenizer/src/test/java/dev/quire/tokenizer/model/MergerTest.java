package dev.quire.tokenizer.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The work that a long piece takes, counted: it grows with the piece and no faster. */
class MergerTest {
  private static final int SYMBOLS = 20;

  @ParameterizedTest
  @ValueSource(ints = {41, 5_000, 40_000, 320_000})
  void takesSixStepsASymbolAtMost(int length) {
    PairTable doubling = new PairTable(SYMBOLS);
    for (int id = 0; id + 1 < SYMBOLS; id++) {
      doubling.add(id, id, id, id + 1);
    }
    PairTable every = new PairTable(SYMBOLS * SYMBOLS);
    Random random = new Random(length);
    for (int pair = 0; pair < SYMBOLS * SYMBOLS; pair++) {
      every.add(pair / SYMBOLS, pair % SYMBOLS, random.nextInt(1000), random.nextInt(SYMBOLS));
    }
    for (PairTable table : new PairTable[] {doubling, every, new PairTable(1)}) {
      for (int kinds : new int[] {1, 2, SYMBOLS}) {
        Merger merger = new Merger();
        for (int i = 0; i < length; i++) {
          merger.add(random.nextInt(kinds), i);
        }
        merger.merge(table, new byte[length], length);
        assertThat(merger.steps()).isBetween((long) length, 6L * length);
        assertThat(merger.start(merger.count())).isEqualTo(length);
        assertThat(merger.count()).isBetween(1, length);
      }
    }
  }
}
