package dev.quire.server;

import dev.quire.engine.Generation;
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
}
