package dev.quire.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.quire.engine.Engine;
import dev.quire.engine.Generation;
import dev.quire.engine.QuireException;
import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ChatTurn;
import java.util.Set;

/**
 * LangChain4j's {@link ChatModel} over an engine. Tools, required tools and answers that fit a JSON
 * schema work by constrained decoding, so they hold for every model. The engine stays the caller's
 * to close; requests of several threads run together, in one batch.
 */
public final class QuireChatModel implements ChatModel {
  private final ChatConversion conversion;
  private final ChatRequestParameters defaults;

  /** With the model's own chat template and no limits but its context. */
  public QuireChatModel(Engine engine) {
    this(engine, ChatRequestParameters.builder().build());
  }

  /**
   * @param defaults what requests leave open is taken from them
   */
  public QuireChatModel(Engine engine, ChatRequestParameters defaults) {
    this.conversion = new ChatConversion(engine);
    this.defaults = defaults;
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return defaults;
  }

  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  /**
   * Answers; waits for the whole answer.
   *
   * @throws dev.langchain4j.exception.InvalidRequestException if the request holds what the engine
   *     cannot do, or does not fit the model's context
   * @throws dev.langchain4j.exception.RateLimitException if the engine's queue is full
   */
  @Override
  public ChatResponse doChat(ChatRequest request) {
    try {
      ChatTurn turn = conversion.prepare(request);
      var handle = conversion.engine().submit(turn.request());
      Generation done = handle.await();
      ChatText text = turn.text();
      ChatText.Piece first = text.accept(done.text());
      return conversion.response(handle.id(), done, first, text);
    } catch (QuireException e) {
      throw ChatConversion.failure(e);
    }
  }
}
