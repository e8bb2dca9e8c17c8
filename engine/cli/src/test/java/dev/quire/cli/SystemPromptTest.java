package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.PinnedPrefix;
import dev.quire.engine.Prompt;
import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingParams;
import org.junit.jupiter.api.Test;

class SystemPromptTest {
  private static final String SYSTEM =
      "You are the king of Naples. You speak in verse, and never of the weather or of money.";

  @Test
  void chatsFindThePinnedPromptInTheCache() {
    EngineOptions options =
        EngineOptions.builder().device("cpu").threads(2).numKvBlocks(200).maxModelLen(256).build();
    try (Engine engine = Engine.loadEmbedded(options);
        PinnedPrefix pinned = SystemPrompt.pin(engine, SYSTEM)) {
      assertThat(pinned.pinnedTokens()).isGreaterThanOrEqualTo(16);
      int[] chat = SystemPrompt.ids(engine, SYSTEM, "Where is thy son?");
      Generation answer =
          engine
              .submit(new GenerationRequest(Prompt.tokens(chat), SamplingParams.greedy(4)))
              .await();
      assertThat(answer.usage().cachedTokens()).isGreaterThanOrEqualTo(pinned.pinnedTokens());
    }
  }

  @Test
  void aPromptShorterThanABlockIsRefused() {
    EngineOptions options =
        EngineOptions.builder().device("cpu").threads(2).blockSize(128).numKvBlocks(8).build();
    try (Engine engine = Engine.loadEmbedded(options)) {
      assertThatThrownBy(() -> SystemPrompt.pin(engine, "Be brief."))
          .isInstanceOf(QuireException.class)
          .hasMessageContaining("a pinned one has at least one block of 128");
    }
  }
}
