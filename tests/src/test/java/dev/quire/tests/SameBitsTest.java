package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.tests.PagedModel.Sequence;
import dev.quire.tests.PagedModel.Setup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A token's logits are the same bits however it is computed. */
class SameBitsTest {

  private static float[] reference(Golden golden) {
    try (var model = new PagedModel(golden.model(), new Setup(16, 64, 1, false))) {
      return model.logits(golden.tokens()[0], Integer.MAX_VALUE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "q8_0"})
  void whateverTheBlockSizeAndTheChunks(String type) {
    Golden golden = Golden.gguf(type);
    float[] expected = reference(golden);
    for (int blockSize : new int[] {1, 8, 16, 32}) {
      try (var model = new PagedModel(golden.model(), new Setup(blockSize, 128, 2, false))) {
        for (int chunk : new int[] {1, 5, 16, 39, 40}) {
          assertThat(model.logits(golden.tokens()[0], chunk))
              .as("blocks of %d, chunks of %d", blockSize, chunk)
              .isEqualTo(expected);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "q8_0"})
  void whateverItRidesWithAndWhicheverRowsAreWanted(String type) {
    Golden golden = Golden.gguf(type);
    float[] expected = reference(golden);
    int[] tokens = golden.tokens()[0];
    int vocabulary = golden.vocabulary();
    try (var model = new PagedModel(golden.model(), new Setup(8, 256, 2, false))) {
      List<Sequence> sequences = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        sequences.add(model.sequence(golden.tokens()[1], tokens.length));
      }
      Sequence ours = model.sequence(tokens, tokens.length);
      sequences.add(3, ours);
      int[] ends = {7, 8, 9, 30, 31, 40};
      for (int end : ends) {
        int[] counts = {1, 2, 3, end - ours.computed, 4, 5, 6};
        float[] logits = model.step(sequences, counts, false);
        assertThat(Arrays.copyOfRange(logits, 3 * vocabulary, 4 * vocabulary))
            .as("up to %d", end)
            .isEqualTo(Arrays.copyOfRange(expected, (end - 1) * vocabulary, end * vocabulary));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "q8_0"})
  void afterAPrefixHitAForkAndARecomputation(String type) {
    Golden golden = Golden.gguf(type);
    float[] expected = reference(golden);
    int[] tokens = golden.tokens()[0];
    float[] last = Arrays.copyOfRange(expected, 39 * golden.vocabulary(), 40 * golden.vocabulary());
    try (var model = new PagedModel(golden.model(), new Setup(8, 64, 2, false))) {
      Sequence first = model.sequence(tokens, 40);
      model.step(List.of(first), new int[] {29}, false);
      Sequence fork = model.fork(first);
      // Both write into the block they share: one of them must get a copy.
      float[] both = model.step(List.of(first, fork), new int[] {11, 4}, false);
      assertThat(Arrays.copyOf(both, last.length)).isEqualTo(last);
      assertThat(model.step(List.of(fork), new int[] {7}, false)).isEqualTo(last);
      model.free(fork);
      model.free(first);
      Sequence again = model.sequence(tokens, 40);
      int covered = model.attach(again);
      assertThat(covered).isEqualTo(32);
      assertThat(model.step(List.of(again), new int[] {8}, false)).isEqualTo(last);
      model.free(again);
      model.allocator().checkIntegrity();
      assertThat(model.allocator().usage().usedBlocks()).isZero();
    }
  }
}
