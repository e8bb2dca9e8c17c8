package dev.quire.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import dev.quire.engine.Engine;
import dev.quire.engine.QuireException;
import java.util.ArrayList;
import java.util.List;

/** LangChain4j's {@link EmbeddingModel} over an engine: vectors of length 1. */
public final class QuireEmbeddingModel implements EmbeddingModel {
  private final Engine engine;
  private final Engine.Pooling pooling;

  /** With the mean of the tokens' states. */
  public QuireEmbeddingModel(Engine engine) {
    this(engine, Engine.Pooling.MEAN);
  }

  public QuireEmbeddingModel(Engine engine, Engine.Pooling pooling) {
    this.engine = engine;
    this.pooling = pooling;
  }

  /**
   * @throws dev.langchain4j.exception.InvalidRequestException if a text is empty or longer than the
   *     model's context
   */
  @Override
  public Response<List<Embedding>> embedAll(List<TextSegment> segments) {
    List<Embedding> embeddings = new ArrayList<>();
    int tokens = 0;
    try {
      for (TextSegment segment : segments) {
        int[] ids = engine.tokenizer().encode(segment.text(), true, false);
        tokens += ids.length;
        embeddings.add(Embedding.from(engine.embed(ids, pooling)));
      }
    } catch (QuireException e) {
      throw ChatConversion.failure(e);
    }
    return Response.from(embeddings, new TokenUsage(tokens));
  }

  @Override
  public String modelName() {
    return engine.info().name();
  }
}
