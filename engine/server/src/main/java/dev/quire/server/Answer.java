package dev.quire.server;

import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.Usage;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON of one request's answer, whole or in chunks.
 *
 * @param created seconds since 1970
 */
record Answer(CompletionShape shape, long id, long created, String modelName) {
  private static final JsonMapper MAPPER = new JsonMapper();

  ObjectNode whole(Generation done) {
    ObjectNode root = head(false);
    ArrayNode choices = root.putArray("choices");
    for (Generation.Output output : done.outputs()) {
      ObjectNode choice = choices.addObject();
      choice.put("index", output.index());
      shape.whole(choice, output.text());
      choice.putNull("logprobs");
      choice.put("finish_reason", reason(output.finishReason()));
    }
    usage(root, done.usage());
    return root;
  }

  /** A chat's stream begins with the role of who speaks. */
  Optional<ObjectNode> opening(int index) {
    if (!(shape instanceof CompletionShape.Chat)) {
      return Optional.empty();
    }
    ObjectNode root = head(true);
    ObjectNode choice = root.putArray("choices").addObject();
    choice.put("index", index);
    choice.putObject("delta").put("role", "assistant").put("content", "");
    choice.putNull("finish_reason");
    return Optional.of(root);
  }

  ObjectNode piece(int index, String text) {
    return chunk(index, text, null);
  }

  ObjectNode end(int index, String reason) {
    return chunk(index, "", reason);
  }

  /** The last chunk, where asked for: no choices, but the figures. */
  ObjectNode usage(Usage usage) {
    ObjectNode root = head(true);
    root.putArray("choices");
    usage(root, usage);
    return root;
  }

  static String reason(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED -> "cancelled";
      case ERROR -> "error";
    };
  }

  private ObjectNode chunk(int index, String text, @Nullable String reason) {
    ObjectNode root = head(true);
    ObjectNode choice = root.putArray("choices").addObject();
    choice.put("index", index);
    shape.piece(choice, text);
    choice.put("finish_reason", reason);
    return root;
  }

  private ObjectNode head(boolean chunk) {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("id", shape.idPrefix() + id);
    root.put("object", shape.object(chunk));
    root.put("created", created);
    root.put("model", modelName);
    return root;
  }

  private static void usage(ObjectNode root, Usage usage) {
    ObjectNode node = root.putObject("usage");
    node.put("prompt_tokens", usage.promptTokens());
    node.put("completion_tokens", usage.completionTokens());
    node.put("total_tokens", usage.promptTokens() + usage.completionTokens());
    node.putObject("prompt_tokens_details").put("cached_tokens", usage.cachedTokens());
  }
}
