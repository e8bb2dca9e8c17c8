package dev.quire.tests.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.TokenizerException;

/** A {@code tokenizer.json}, and what it makes of a text. */
class TokenizerFuzzTest {
  private static final String NAME = "tokenizer.json";
  private static final String TEXT = "Good  morrow, cousin: 1597 \u00e9\u4e2d\ud83d\ude00\n\tx";

  @FuzzTest(maxDuration = "10m")
  void tokenizer(byte[] bytes) {
    Scratch scratch = new Scratch();
    scratch.write(NAME, bytes);
    try {
      Tokenizer tokenizer = Tokenizer.fromHuggingFace(scratch.folder());
      for (int id : tokenizer.encode(TEXT, true, true)) {
        assertThat(id).isBetween(0, tokenizer.vocabularySize() - 1);
      }
      tokenizer.decode(tokenizer.encode(TEXT, false, false), true);
    } catch (TokenizerException refused) {
      assertThat(refused.getMessage()).isNotBlank();
    } finally {
      scratch.delete(NAME);
    }
  }
}
