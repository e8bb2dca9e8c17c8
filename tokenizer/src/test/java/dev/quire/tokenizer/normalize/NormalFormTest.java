package dev.quire.tokenizer.normalize;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.Normalizer.Form;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NormalFormTest {
  /** Every mark, and with them a few letters that have marks in them or none. */
  private static final int[] CHARACTERS =
      IntStream.concat(
              IntStream.range(0x300, 0x20000)
                  .filter(
                      c ->
                          Character.getType(c) == Character.NON_SPACING_MARK
                              || Character.getType(c) == Character.COMBINING_SPACING_MARK
                              || Character.getType(c) == Character.ENCLOSING_MARK),
              IntStream.of('a', 'é', 0x1E69, 0xAC00, 0x1100, 0x1161, 0xFB2A, 0x1D15E))
          .toArray();

  /** Marks that letters of many scripts are written with, and some that decompose. */
  private static final String COMMON =
      "\u0301\u0323\u0345\u0315\u05b0\u064b\u0327\u031b\u0f71\u3099\u093c\u1dce\u302a\u0334\u0344"
          + "\u0f73\u034f\u0903";

  @ParameterizedTest
  @EnumSource(Form.class)
  void isTheFormOfTheJdk(Form form) {
    NormalForm normalizer = new NormalForm(form);
    Random random = new Random(1);
    for (int n = 0; n < 400; n++) {
      String text = marks(random, random.nextInt(300), n % 2 == 0);
      assertThat(normalizer.normalize(text)).isEqualTo(java.text.Normalizer.normalize(text, form));
    }
  }

  /** Time that grows with the square of the marks would be minutes. */
  @ParameterizedTest
  @EnumSource(Form.class)
  void takesManyMarks(Form form) {
    String text = "a" + marks(new Random(2), 300_000, true) + "b";
    String normalized = new NormalForm(form).normalize(text);
    assertThat(normalized).endsWith("b").hasSizeGreaterThan(200_000);
    assertThat(java.text.Normalizer.isNormalized(normalized, form)).isTrue();
  }

  private static String marks(Random random, int count, boolean common) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      if (common && random.nextInt(100) > 0) {
        text.append(COMMON.charAt(random.nextInt(COMMON.length() - (count > 1000 ? 2 : 0))));
      } else if (count <= 1000) {
        text.appendCodePoint(CHARACTERS[random.nextInt(CHARACTERS.length)]);
      }
    }
    return text.toString();
  }
}
