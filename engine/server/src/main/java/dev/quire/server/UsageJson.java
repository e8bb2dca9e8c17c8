package dev.quire.server;

import dev.quire.engine.Generation;
import dev.quire.engine.chat.ChatTurn;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** What a request cost, summed over its prompts. */
final class UsageJson {
  private UsageJson() {}

  static void put(ObjectNode root, List<Generation> done) {
    int prompt = done.stream().mapToInt(g -> g.usage().promptTokens()).sum();
    int cached = done.stream().mapToInt(g -> g.usage().cachedTokens()).sum();
    int completion = done.stream().mapToInt(g -> g.usage().completionTokens()).sum();
    ObjectNode usage = root.putObject("usage");
    usage.put("prompt_tokens", prompt);
    usage.put("completion_tokens", completion);
    usage.put("total_tokens", prompt + completion);
    usage.putObject("prompt_tokens_details").put("cached_tokens", cached);
  }

  /** The same for a chat's answer, of whose tokens some may be thoughts. */
  static void put(ObjectNode root, Generation done, ChatTurn turn, Tokenizer tokenizer) {
    put(root, List.of(done));
    ((ObjectNode) root.path("usage"))
        .putObject("completion_tokens_details")
        .put("reasoning_tokens", reasoning(done, turn, tokenizer));
  }

  /** Thoughts of all the answers that are given out. */
  static int reasoning(Generation done, ChatTurn turn, Tokenizer tokenizer) {
    return done.outputs().stream().mapToInt(o -> turn.reasoningTokens(tokenizer, o)).sum();
  }
}
