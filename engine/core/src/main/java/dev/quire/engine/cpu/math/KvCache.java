package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The keys and values of one layer, in blocks of positions, off the heap.
 *
 * <pre>
 *   keys, values: float [blocks][kvHeads][blockSize][headSize]
 *
 *   block 0                                   block 1 …
 *   head 0          head 1          …
 *   [slot 0|slot 1|…][slot 0|slot 1|…]
 * </pre>
 *
 * A head's positions of a block lie together, so that attention streams them.
 *
 * @param blocks how many blocks there are
 * @param blockSize positions a block
 * @param keys zeroed at first
 * @param values zeroed at first
 */
public record KvCache(
    int blocks,
    int blockSize,
    int kvHeads,
    int headSize,
    MemorySegment keys,
    MemorySegment values) {

  /** Allocates a cache that lives as long as the arena, whose pages are taken when first used. */
  public static KvCache allocate(
      Arena arena, int blocks, int blockSize, int kvHeads, int headSize) {
    long bytes = blocks * blockBytes(blockSize, kvHeads, headSize) / 2;
    return new KvCache(
        blocks,
        blockSize,
        kvHeads,
        headSize,
        AnonymousMemory.allocate(bytes, arena).segment(),
        AnonymousMemory.allocate(bytes, arena).segment());
  }

  /** Bytes that one block takes in one layer, keys and values together. */
  public static long blockBytes(int blockSize, int kvHeads, int headSize) {
    return 2L * Float.BYTES * blockSize * kvHeads * headSize;
  }

  /** Where the vector of a head at a slot starts, in bytes. */
  long offset(int block, int kvHead, int slotInBlock) {
    return (((long) block * kvHeads + kvHead) * blockSize + slotInBlock) * headSize * Float.BYTES;
  }

  /**
   * Stores one token's keys and values.
   *
   * @param slot block × block size + offset in the block
   * @param k {@code [kvHeads × headSize]} from {@code kOffset} on
   * @param v {@code [kvHeads × headSize]} from {@code vOffset} on
   */
  public void store(int slot, float[] k, int kOffset, float[] v, int vOffset) {
    int block = slot / blockSize;
    int inBlock = slot % blockSize;
    for (int head = 0; head < kvHeads; head++) {
      long to = offset(block, head, inBlock);
      int from = head * headSize;
      MemorySegment.copy(k, kOffset + from, keys, ValueLayout.JAVA_FLOAT, to, headSize);
      MemorySegment.copy(v, vOffset + from, values, ValueLayout.JAVA_FLOAT, to, headSize);
    }
  }

  /** Copies a whole block, keys and values. */
  public void copyBlock(int source, int destination) {
    copyBlockTo(this, source, destination);
  }

  /** Copies a whole block, keys and values, into another cache of the same layer. */
  public void copyBlockTo(KvCache other, int source, int destination) {
    long bytes = blockBytes(blockSize, kvHeads, headSize) / 2;
    MemorySegment.copy(keys, source * bytes, other.keys, destination * bytes, bytes);
    MemorySegment.copy(values, source * bytes, other.values, destination * bytes, bytes);
  }
}
