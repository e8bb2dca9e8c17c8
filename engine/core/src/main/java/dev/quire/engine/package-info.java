/**
 * The engine as a library: load a model, submit requests from any thread, read their text as it is
 * generated.
 *
 * <pre>{@code
 * try (Engine engine = Engine.load(Path.of("model.gguf"), EngineOptions.defaults())) {
 *   SamplingParams params = SamplingParams.builder().maxTokens(64).temperature(0.7).build();
 *   System.out.println(engine.generate("Why is the sky blue?", params).text());
 * }
 * }</pre>
 */
@NullMarked
package dev.quire.engine;

import org.jspecify.annotations.NullMarked;
