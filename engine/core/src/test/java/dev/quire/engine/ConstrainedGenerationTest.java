package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.quire.engine.constrain.Constraint;
import dev.quire.engine.constrain.ConstraintSpec;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Constrained generations of a model whose logits are random: whatever ends by itself is valid by
 * another implementation's judgement. The embedded model's vocabulary has tokens that straddle
 * JSON's punctuation.
 */
class ConstrainedGenerationTest {
  private static final int EACH = 10;
  private static Tokenizer tokenizer;
  private static Engine engine;

  @BeforeAll
  static void start() {
    tokenizer = EngineFixture.tokenizer();
    EngineOptions options = EngineFixture.options(16).checkIntegrity(false).build();
    engine =
        EngineFixture.engine(4096, options, null, tokenizer, tokenizer.vocabularySize()).engine();
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  private static List<String> schemas() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            ConstrainedGenerationTest.class.getResourceAsStream("/constrain/schemas.jsonl"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static Generation.Output generate(ConstraintSpec spec, long seed, int maxTokens) {
    SamplingParams params = SamplingParams.builder().seed(seed).maxTokens(maxTokens).build();
    var request = new GenerationRequest(Prompt.text("x"), params);
    return engine
        .submit(request.withConstraint(engine.constraint(spec)))
        .await()
        .outputs()
        .getFirst();
  }

  @Test
  void whatEndsByItselfIsValid() throws IOException {
    SchemaRegistry registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    int ended = 0;
    List<String> schemas = schemas();
    assertThat(schemas).hasSize(50);
    List<String> cut = new ArrayList<>();
    for (String source : schemas) {
      Schema schema = registry.getSchema(source, InputFormat.JSON);
      ConstraintSpec spec = new ConstraintSpec.JsonSchema(source);
      for (int seed = 0; seed < EACH; seed++) {
        Generation.Output output = generate(spec, seed, 600);
        if (output.finishReason() == FinishReason.STOP) {
          ended++;
          assertThat(schema.validate(output.text(), InputFormat.JSON))
              .as("%s%nagainst %s", output.text(), source)
              .isEmpty();
        } else {
          cut.add(source);
          assertThat(output.finishReason()).isEqualTo(FinishReason.LENGTH);
          assertThat(engine.constraint(spec).matchesPrefix(output.text())).isTrue();
        }
      }
    }
    assertThat(ended).as("cut: %s", cut).isGreaterThanOrEqualTo(schemas.size() * EACH * 9 / 10);
  }

  @Test
  void aCutTextIsTheBeginningOfAValidOne() {
    ConstraintSpec spec =
        new ConstraintSpec.JsonSchema("{\"type\":\"string\",\"minLength\":400,\"maxLength\":500}");
    Generation.Output output = generate(spec, 3, 20);
    assertThat(output.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(output.tokenIds()).hasSize(20);
    assertThat(engine.constraint(spec).matchesPrefix(output.text())).isTrue();
    assertThat(engine.constraint(spec).matches(output.text())).isFalse();
  }

  @Test
  void everyMaskIsExactlyWhatTheAutomatonTakesTokenByToken() {
    Constraint constraint =
        engine.constraint(
            new ConstraintSpec.JsonSchema(
                "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#\"},"
                    + "{\"type\":\"string\",\"maxLength\":3},{\"type\":\"integer\"}]},\"maxItems\":3}"));
    for (String prefix : List.of("", "[", "[\"a", "[[\"abc", "[[[12", "[[], ", "[\"\\u00")) {
      int[] ids = bytes(prefix);
      Constraint.Cursor cursor = constraint.cursor();
      cursor.follow(ids, 0, ids.length);
      long[] mask = cursor.mask();
      for (int token = 0; token < tokenizer.vocabularySize(); token++) {
        int[] longer = java.util.Arrays.copyOf(ids, ids.length + 1);
        longer[ids.length] = token;
        Constraint.Cursor next = constraint.cursor();
        next.follow(longer, 0, longer.length);
        boolean expected = !tokenizer.isSpecial(token) && next.alive();
        assertThat((mask[token >>> 6] >>> token & 1) == 1)
            .as("after '%s' token '%s'", prefix, tokenizer.token(token))
            .isEqualTo(expected);
      }
    }
  }

  private static int[] bytes(String text) {
    return text.isEmpty() ? new int[0] : tokenizer.encode(text, false, false);
  }

  @Test
  void otherNotationsHold() {
    for (int seed = 0; seed < 10; seed++) {
      assertThat(generate(new ConstraintSpec.Regex("^(?:ab|cd){2,5}[0-9]?é$"), seed, 100).text())
          .matches("(?:ab|cd){2,5}[0-9]?é");
      assertThat(generate(new ConstraintSpec.Choice(List.of("yes", "no")), seed, 100).text())
          .isIn("yes", "no");
      assertThat(
              generate(
                      new ConstraintSpec.Gbnf("root ::= n (\"+\" n){1,2}\nn ::= [1-9] # digit"),
                      seed,
                      100)
                  .text())
          .matches("[1-9](\\+[1-9]){1,2}");
    }
  }

  @Test
  void whatIsNotSupportedIsNamed() {
    for (String keyword :
        List.of(
            "{\"not\":{}}",
            "{\"type\":\"array\",\"uniqueItems\":true}",
            "{\"type\":\"integer\",\"multipleOf\":3}",
            "{\"if\":{},\"then\":{}}",
            "{\"type\":\"string\",\"format\":\"iri\"}",
            "{\"type\":\"string\",\"pattern\":\"(?=a)b\"}",
            "{\"type\":\"strnig\"}")) {
      assertThatThrownBy(() -> engine.constraint(new ConstraintSpec.JsonSchema(keyword)))
          .isInstanceOfSatisfying(
              QuireException.class,
              e -> assertThat(e.kind()).isEqualTo(QuireException.Kind.INVALID))
          .hasMessageMatching("(?s).*(not|uniqueItems|multipleOf|if|iri|look-ahead|strnig).*");
    }
    assertThatThrownBy(
            () -> engine.constraint(new ConstraintSpec.Gbnf("root ::= root \"a\" | \"b\"")))
        .hasMessageContaining("left-recursive");
    assertThatThrownBy(
            () -> engine.constraint(new ConstraintSpec.Regex("(?:(?:a{1,999}){1,999}){1,999}")))
        .hasMessageContaining("too large");
    assertThatThrownBy(
            () ->
                engine.constraint(
                    new ConstraintSpec.JsonSchema("{\"$ref\":\"#\",\"type\":\"null\"}")))
        .isInstanceOf(QuireException.class);
  }
}
