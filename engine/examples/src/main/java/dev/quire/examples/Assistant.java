package dev.quire.examples;

import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.SystemMessage;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.langchain4j.QuireChatModel;
import dev.quire.langchain4j.QuireEmbeddingModel;

/** A LangChain4j service whose model runs in the same JVM: {@code dev.quire:langchain4j-quire}. */
public final class Assistant {
  /** What the application calls; LangChain4j writes the prompt. */
  interface Page {
    @SystemMessage("You are a page at court. Answer in one line.")
    String answer(String question);
  }

  private Assistant() {}

  public static void main(String... args) {
    try (Engine engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(256).build())) {
      var defaults = ChatRequestParameters.builder().maxOutputTokens(40).temperature(0.7).build();
      Page page =
          AiServices.builder(Page.class)
              .chatModel(new QuireChatModel(engine, defaults))
              .chatMemory(MessageWindowChatMemory.withMaxMessages(10))
              .build();
      System.out.println("answer:     " + page.answer("Who goes there?").strip());
      System.out.println("again:      " + page.answer("And what would he have?").strip());
      System.out.println(
          "dimensions: " + new QuireEmbeddingModel(engine).embed("a rose").content().dimension());
    }
  }
}
