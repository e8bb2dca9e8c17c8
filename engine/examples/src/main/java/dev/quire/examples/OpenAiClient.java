package dev.quire.examples;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.server.QuireServer;
import dev.quire.server.ServerOptions;
import java.util.List;

/**
 * OpenAI's own client against a server. Given an address, such as that of {@code quire serve}, it
 * asks there; else it starts a server of its own in this JVM: {@code dev.quire:server}.
 */
public final class OpenAiClient {
  private OpenAiClient() {}

  public static void main(String... args) {
    if (args.length > 0) {
      ask(args[0], args.length > 1 ? args[1] : "none");
      return;
    }
    try (Engine engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(256).build());
        QuireServer server =
            QuireServer.start(
                engine,
                new ServerOptions("127.0.0.1", 0, List.of("secret"), "bard"),
                ChatFormat.of(engine),
                "example")) {
      ask("http://127.0.0.1:" + server.port() + "/v1", "secret");
    }
  }

  private static void ask(String url, String key) {
    OpenAIClient client = OpenAIOkHttpClient.builder().baseUrl(url).apiKey(key).build();
    try {
      String model = client.models().list().data().getFirst().id();
      var params =
          ChatCompletionCreateParams.builder()
              .model(model)
              .addUserMessage("Good morrow, cousin.")
              .maxCompletionTokens(24)
              .build();
      var choice = client.chat().completions().create(params).choices().getFirst();
      System.out.println(model + ": " + choice.message().content().orElse("").strip());
    } finally {
      client.close();
    }
  }
}
