package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.Prompt;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/embeddings}: texts as vectors of length 1. */
final class EmbeddingEndpoint {
  private static final int MOST_INPUTS = 2048;
  private static final int AT_ONCE = 16;

  private final Engine engine;
  private final ModelNames models;

  EmbeddingEndpoint(Engine engine, ModelNames models) {
    this.engine = engine;
    this.models = models;
  }

  void handle(Call call) {
    RequestBody body = call.body();
    String model = models.check(body);
    Engine.Pooling pooling =
        switch (body.get("pooling") == null ? "mean" : body.string("pooling")) {
          case "mean" -> Engine.Pooling.MEAN;
          case "last" -> Engine.Pooling.LAST;
          default -> throw ApiException.invalid("pooling must be mean or last", "pooling");
        };
    boolean base64 =
        switch (body.get("encoding_format") == null ? "float" : body.string("encoding_format")) {
          case "float" -> false;
          case "base64" -> true;
          default ->
              throw ApiException.invalid(
                  "encoding_format must be float or base64", "encoding_format");
        };
    int dimensions = body.integer("dimensions", 0);
    ObjectNode root = new JsonMapper().createObjectNode();
    root.put("object", "list");
    ArrayNode data = root.putArray("data");
    int tokens = 0;
    List<int[]> inputs = inputs(body);
    // Side by side, so that a step takes several; not all, so that others find room in the queue.
    var places = new Semaphore(AT_ONCE);
    List<Future<float[]>> vectors = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int[] ids : inputs) {
        vectors.add(threads.submit(() -> embed(ids, pooling, places, call)));
      }
    }
    for (int i = 0; i < inputs.size(); i++) {
      tokens += inputs.get(i).length;
      float[] vector = shortened(result(vectors.get(i)), dimensions);
      ObjectNode entry = data.addObject();
      entry.put("object", "embedding");
      entry.put("index", i);
      if (base64) {
        entry.put("embedding", encoded(vector));
      } else {
        ArrayNode values = entry.putArray("embedding");
        for (float value : vector) {
          values.add(value);
        }
      }
    }
    root.put("model", model);
    root.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
    call.send(root);
  }

  private float[] embed(int[] ids, Engine.Pooling pooling, Semaphore places, Call call) {
    places.acquireUninterruptibly();
    try {
      if (call.entry().reason() != null) {
        throw call.cancelled();
      }
      return engine.embed(ids, pooling);
    } finally {
      places.release();
    }
  }

  private static float[] result(Future<float[]> vector) {
    return switch (vector.state()) {
      case SUCCESS -> vector.resultNow();
      case FAILED -> {
        Throwable failure = vector.exceptionNow();
        throw failure instanceof RuntimeException known
            ? known
            : new IllegalStateException(failure);
      }
      default -> throw new IllegalStateException("an embedding was neither made nor refused");
    };
  }

  /** The first dimensions, scaled to length 1 again. */
  private static float[] shortened(float[] vector, int dimensions) {
    if (dimensions == 0 || dimensions == vector.length) {
      return vector;
    }
    if (dimensions < 0 || dimensions > vector.length) {
      throw ApiException.invalid("dimensions must be in [1, " + vector.length + "]", "dimensions");
    }
    float[] part = java.util.Arrays.copyOf(vector, dimensions);
    double squares = 0;
    for (float value : part) {
      squares += (double) value * value;
    }
    float length = squares == 0 ? 1 : (float) Math.sqrt(squares);
    for (int i = 0; i < part.length; i++) {
      part[i] /= length;
    }
    return part;
  }

  private static String encoded(float[] vector) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  private List<int[]> inputs(RequestBody body) {
    JsonNode input = body.get("input");
    List<Prompt> prompts = new ArrayList<>();
    try {
      if (input != null && input.isArray() && !input.isEmpty() && !input.get(0).isNumber()) {
        if (input.size() > MOST_INPUTS) {
          throw ApiException.invalid("input has more than " + MOST_INPUTS + " entries", "input");
        }
        input.forEach(each -> prompts.add(CompletionEndpoint.prompt(each)));
      } else {
        prompts.add(CompletionEndpoint.prompt(input));
      }
    } catch (ApiException e) {
      throw ApiException.invalid(
          String.valueOf(e.getMessage()).replace("prompt", "input"), "input");
    }
    List<int[]> ids = new ArrayList<>();
    for (Prompt prompt : prompts) {
      int[] tokens =
          switch (prompt) {
            case Prompt.Text(String text, boolean special, boolean parse) ->
                engine.tokenizer().encode(text, special, parse);
            case Prompt.Tokens(List<Integer> list) -> list.stream().mapToInt(i -> i).toArray();
          };
      if (tokens.length == 0) {
        throw ApiException.invalid("input must not be empty", "input");
      }
      ids.add(tokens);
    }
    return ids;
  }
}
