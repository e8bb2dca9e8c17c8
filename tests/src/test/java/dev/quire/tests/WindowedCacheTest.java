package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.tests.PagedModel.Sequence;
import dev.quire.tests.PagedModel.Setup;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers with a window hold no more blocks than the window needs, however long the context. */
class WindowedCacheTest {

  @ParameterizedTest
  @CsvSource({"mistral-window, 1", "gemma2, 2", "gemma3, 2"})
  void aContextOfTenWindows(String name, int groups) {
    Golden golden = Golden.folder(name);
    try (var model = new PagedModel(golden.model(), new Setup(8, 64, 2, false))) {
      var cacheGroups = model.model().spec().cacheGroups();
      assertThat(cacheGroups).hasSize(groups);
      int windowed = cacheGroups.getFirst().windowed() ? 0 : 1;
      int window = cacheGroups.get(windowed).slidingWindow();
      assertThat(window).isEqualTo(16);
      int[] tokens = new int[10 * window];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = golden.tokens()[0][i % 48];
      }
      Sequence s = model.sequence(tokens, tokens.length);
      while (s.computed < tokens.length) {
        model.step(List.of(s), new int[] {1}, false);
        long held = model.allocator().usage(windowed).usedBlocks();
        assertThat(held).isLessThanOrEqualTo(window / 8 + 1);
      }
      if (groups == 2) {
        assertThat(model.allocator().usage(1 - windowed).usedBlocks()).isEqualTo(20);
      }
    }
  }
}
