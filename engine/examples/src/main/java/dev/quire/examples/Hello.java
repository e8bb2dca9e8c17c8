package dev.quire.examples;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The engine in a program of one's own: dependency {@code dev.quire:engine}, and nothing else.
 *
 * <pre>
 *   java --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED … Hello [model.gguf]
 * </pre>
 *
 * Without a model it takes the small one that comes with the engine. Without {@code
 * jdk.incubator.vector} it works, but several times slower, and says so once.
 */
public final class Hello {
  private Hello() {}

  public static void main(String... args) {
    EngineOptions options = EngineOptions.builder().numKvBlocks(256).build();
    try (Engine engine =
        args.length > 0 ? Engine.load(Path.of(args[0]), options) : Engine.loadEmbedded(options)) {

      // One answer, waited for.
      SamplingParams params = SamplingParams.builder().maxTokens(20).temperature(0).build();
      System.out.println("one:      " + line(engine.generate("ROMEO:", params).text()));

      // A stream.
      System.out.print("streamed: ");
      RequestHandle handle = engine.submit(new GenerationRequest(Prompt.text("JULIET:"), params));
      for (GenerationEvent event : handle.events()) {
        if (event instanceof GenerationEvent.Text text) {
          System.out.print(text.text().replace('\n', ' '));
        }
      }
      System.out.println();

      // Many at once: they share the model's steps.
      String scene = "Enter a king, a queen and a fool, with trumpets and with drums.\n";
      List<RequestHandle> many = new ArrayList<>();
      for (String name : List.of("KING:", "QUEEN:")) {
        many.add(engine.submit(new GenerationRequest(Prompt.text(scene + name), params)));
      }
      for (RequestHandle each : many) {
        System.out.println("together: " + line(each.await().text()));
      }

      // One that begins as they did: what they computed of the scene is still in the cache.
      System.out.println("after:    " + line(engine.generate(scene + "FOOL:", params).text()));
      System.out.println(
          "cached:   " + engine.stats().cachedTokens() + " tokens were found, not computed");
    }
  }

  private static String line(String text) {
    return text.strip().replace('\n', ' ');
  }
}
