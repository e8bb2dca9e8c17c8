package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineStats;
import dev.quire.paging.BlockDetail;
import dev.quire.paging.BlockMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
  private final boolean texts;

  /**
   * @param texts whether what the blocks hold may be shown: parts of everybody's conversations
   */
  CacheView(Engine engine, boolean texts) {
    this.engine = engine;
    this.texts = texts;
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

  /** One block: who refers to it, where it lies in their texts and, where allowed, its text. */
  ObjectNode block(String number) {
    int block;
    try {
      block = Integer.parseInt(number);
    } catch (NumberFormatException e) {
      throw noBlock(number);
    }
    try {
      BlockDetail detail = await(engine.blockDetail(block)).orElseThrow(() -> noBlock(number));
      ObjectNode root = new JsonMapper().createObjectNode();
      root.put("block", block);
      root.put("references", detail.references());
      ArrayNode owners = root.putArray("owners");
      detail.owners().forEach(owners::add);
      root.put("firstPosition", detail.firstPosition());
      root.put("filled", detail.filled());
      root.put("findable", !detail.tokens().isEmpty());
      root.put("textShown", texts);
      if (texts && engine.hasTokenizer()) {
        ArrayNode pieces = root.putArray("tokens");
        for (int id : detail.tokens()) {
          String piece = engine.tokenizer().decode(new int[] {id}, false);
          pieces.addObject().put("id", id).put("text", piece);
        }
      }
      return root;
    } catch (IndexOutOfBoundsException e) {
      throw noBlock(number);
    }
  }

  private static ApiException noBlock(String number) {
    return new ApiException(
        404, "invalid_request_error", "there is no block " + number, null, "not_found");
  }

  private Optional<BlockMap> blocks() {
    return await(engine.blockMap());
  }

  private static <T> Optional<T> await(CompletableFuture<Optional<T>> look) {
    try {
      return look.get(2, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IndexOutOfBoundsException none) {
        throw none;
      }
      return Optional.empty();
    } catch (TimeoutException e) {
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
