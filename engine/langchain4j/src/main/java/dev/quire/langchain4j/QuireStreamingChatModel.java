package dev.quire.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.QuireException;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ChatTurn;
import java.util.Set;

/**
 * LangChain4j's {@link StreamingChatModel} over an engine. The handler is called on a virtual
 * thread of the request's own; cancelling its handle ends the request within one step.
 */
public final class QuireStreamingChatModel implements StreamingChatModel {
  private final ChatConversion conversion;
  private final ChatRequestParameters defaults;

  /** With the model's own chat template and no limits but its context. */
  public QuireStreamingChatModel(Engine engine) {
    this(engine, ChatRequestParameters.builder().build());
  }

  /**
   * @param defaults what requests leave open is taken from them
   */
  public QuireStreamingChatModel(Engine engine, ChatRequestParameters defaults) {
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

  /** Answers piece by piece; what is wrong with the request is the handler's error. */
  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    try {
      ChatTurn turn = conversion.prepare(request);
      RequestHandle handle = conversion.engine().submit(turn.request());
      Thread.ofVirtual()
          .name("quire-langchain4j-" + handle.id())
          .start(() -> tell(handle, turn.text(), handler));
    } catch (QuireException e) {
      handler.onError(ChatConversion.failure(e));
    } catch (LangChain4jException e) {
      handler.onError(e);
    }
  }

  private void tell(RequestHandle handle, ChatText text, StreamingChatResponseHandler handler) {
    Cancellation cancellation = new Cancellation(handle);
    StringBuilder thoughts = new StringBuilder();
    StringBuilder words = new StringBuilder();
    try {
      for (GenerationEvent event : handle.events()) {
        if (event instanceof GenerationEvent.Text piece && !cancellation.isCancelled()) {
          ChatText.Piece certain = text.accept(piece.text());
          thoughts.append(certain.reasoning());
          words.append(certain.content());
          pass(certain, cancellation, handler);
        }
      }
      Generation done = handle.await();
      if (cancellation.isCancelled()) {
        return;
      }
      if (done.finishReason() == FinishReason.CANCELLED) {
        throw new QuireException(
            QuireException.Kind.CLOSED, "the engine was closed while it answered");
      }
      var said = new ChatText.Piece(thoughts.toString(), words.toString());
      ChatResponse response = conversion.response(handle.id(), done, said, text);
      passRest(said, response, cancellation, handler);
      handler.onCompleteResponse(response);
    } catch (QuireException e) {
      handler.onError(ChatConversion.failure(e));
    } catch (RuntimeException e) {
      handle.cancel(); // the handler failed: nobody listens
      handler.onError(e);
    }
  }

  private static void pass(
      ChatText.Piece piece, StreamingHandle handle, StreamingChatResponseHandler handler) {
    if (!piece.reasoning().isEmpty()) {
      handler.onPartialThinking(
          new PartialThinking(piece.reasoning()), new PartialThinkingContext(handle));
    }
    if (!piece.content().isEmpty()) {
      handler.onPartialResponse(
          new PartialResponse(piece.content()), new PartialResponseContext(handle));
    }
  }

  /** What became certain only with the end: a held back tail, and calls. */
  private static void passRest(
      ChatText.Piece said,
      ChatResponse response,
      StreamingHandle handle,
      StreamingChatResponseHandler handler) {
    String thinking = response.aiMessage().thinking();
    String content = response.aiMessage().text();
    pass(
        new ChatText.Piece(
            thinking == null ? "" : thinking.substring(said.reasoning().length()),
            content == null ? "" : content.substring(said.content().length())),
        handle,
        handler);
    var calls = response.aiMessage().toolExecutionRequests();
    for (int i = 0; i < calls.size(); i++) {
      handler.onCompleteToolCall(new CompleteToolCall(i, calls.get(i)));
    }
  }

  private static final class Cancellation implements StreamingHandle {
    private final RequestHandle handle;
    private volatile boolean cancelled;

    Cancellation(RequestHandle handle) {
      this.handle = handle;
    }

    @Override
    public void cancel() {
      cancelled = true;
      handle.cancel();
    }

    @Override
    public boolean isCancelled() {
      return cancelled;
    }
  }
}
