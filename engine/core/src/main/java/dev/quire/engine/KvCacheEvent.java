package dev.quire.engine;

import dev.quire.paging.KvUsage;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** What the KV cache holds at one moment, for the JDK's Flight Recorder. */
@Name("dev.quire.KvCache")
@Label("KV Cache")
@Category("Quire")
@Description("What the blocks of the KV cache hold")
@StackTrace(false)
final class KvCacheEvent extends Event {
  @Label("Blocks in Use")
  long usedBlocks;

  @Label("Free Blocks")
  long freeBlocks;

  @Label("Cached Blocks")
  @Description("Free blocks whose tokens can still be found by their prefix")
  long cachedBlocks;

  @Label("Shared Blocks")
  @Description("Blocks that several sequences refer to")
  long sharedBlocks;

  @Label("Blocks Saved by Sharing")
  long savedBlocks;

  @Label("Tokens Stored")
  long tokenSlots;

  @Label("Slots Wasted in Last Blocks")
  long wastedSlots;

  @Label("Swapped Blocks")
  long swappedBlocks;

  @Label("Host Blocks")
  long hostBlocks;

  static void record(KvUsage usage) {
    KvCacheEvent event = new KvCacheEvent();
    if (event.shouldCommit()) {
      event.usedBlocks = usage.usedBlocks();
      event.freeBlocks = usage.freeBlocks();
      event.cachedBlocks = usage.cachedBlocks();
      event.sharedBlocks = usage.sharedBlocks();
      event.savedBlocks = usage.savedBlocks();
      event.tokenSlots = usage.tokenSlots();
      event.wastedSlots = usage.wastedSlots();
      event.swappedBlocks = usage.swappedBlocks();
      event.hostBlocks = usage.hostBlocks();
      event.commit();
    }
  }
}
