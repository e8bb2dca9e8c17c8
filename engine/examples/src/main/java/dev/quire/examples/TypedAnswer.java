package dev.quire.examples;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.constrain.Constraint;
import dev.quire.engine.constrain.ConstraintSpec;

/** An answer that is bound to fit a JSON schema, whatever the model would rather say. */
public final class TypedAnswer {
  private static final String SCHEMA =
      """
      {"type": "object",
       "properties": {"mood": {"enum": ["merry", "sad"]},
                      "age": {"type": "integer", "minimum": 1, "maximum": 120}},
       "required": ["mood", "age"],
       "additionalProperties": false}
      """;

  private TypedAnswer() {}

  public static void main(String... args) {
    try (Engine engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(128).build())) {
      // Compiled once, on this thread; requests of any number share it.
      Constraint constraint = engine.constraint(new ConstraintSpec.JsonSchema(SCHEMA));
      var request =
          new GenerationRequest(
              Prompt.text("A report on Falstaff, in JSON: "),
              SamplingParams.builder().maxTokens(100).seed(7L).build());
      System.out.println(engine.submit(request.withConstraint(constraint)).await().text());
    }
  }
}
