package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineStats;
import dev.quire.paging.BlockMap;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /quire/cache}: the blocks of the KV cache and the engine's figures, for the page. */
final class CacheView {
  private static final int MOST_BLOCKS = 4096;

  private final Engine engine;

  CacheView(Engine engine) {
    this.engine = engine;
  }

  ObjectNode look() {
    ObjectNode root = new JsonMapper().createObjectNode();
    EngineStats stats = engine.stats();
    root.put("running", stats.runningSequences());
    root.put("waiting", stats.waiting());
    root.put("sampledTokens", stats.sampledTokens());
    root.put("prefillTokens", stats.prefillTokens());
    root.put("preemptions", stats.preemptions());
    root.put("steps", stats.steps());
    root.put("totalBlocks", stats.memory().totalBlocks());
    root.put("usedBlocks", stats.memory().usedBlocks());
    root.put("cachedBlocks", stats.memory().cachedBlocks());
    root.put("sharedBlocks", stats.memory().sharedBlocks());
    root.put("savedBlocks", stats.memory().savedBlocks());
    root.put("hitTokens", stats.memory().hitTokens());
    root.put("queriedTokens", stats.memory().queriedTokens());
    blocks().ifPresent(map -> put(root, map));
    return root;
  }

  private Optional<BlockMap> blocks() {
    try {
      return engine.blockMap().get(2, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private static void put(ObjectNode root, BlockMap map) {
    root.put("blockSize", map.blockSize());
    ArrayNode owners = root.putArray("owners");
    ArrayNode references = root.putArray("references");
    ArrayNode cached = root.putArray("cached");
    for (int block = 0; block < Math.min(MOST_BLOCKS, map.owners().length); block++) {
      owners.add(map.owners()[block]);
      references.add(map.references()[block]);
      cached.add(map.findable()[block] ? 1 : 0);
    }
  }
}
