package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The keys and values of one layer, in blocks of positions, off the heap.
 *
 * <pre>
 *   keys, values: [blocks][kvHeads][blockSize][headSize], each vector as KvType says
 *
 *   block 0                                   block 1 …
 *   head 0          head 1          …
 *   [slot 0|slot 1|…][slot 0|slot 1|…]
 * </pre>
 *
 * A head's positions of a block lie together, so that attention streams them.
 *
 * @param type how numbers are held
 * @param blocks how many blocks there are
 * @param blockSize positions a block
 * @param keys zeroed at first
 * @param values zeroed at first
 */
public record KvCache(
    KvType type,
    int blocks,
    int blockSize,
    int kvHeads,
    int headSize,
    MemorySegment keys,
    MemorySegment values) {

  /** Bytes behind the last block that a load of narrow values may touch. */
  private static final int PADDING = 8;

  /** Allocates a cache that lives as long as the arena, whose pages are taken when first used. */
  public static KvCache allocate(
      Arena arena, KvType type, int blocks, int blockSize, int kvHeads, int headSize) {
    long bytes = blocks * blockBytes(type, blockSize, kvHeads, headSize) / 2;
    return new KvCache(
        type,
        blocks,
        blockSize,
        kvHeads,
        headSize,
        AnonymousMemory.allocate(bytes + PADDING, arena).segment(),
        AnonymousMemory.allocate(bytes + PADDING, arena).segment());
  }

  /** Bytes that one block takes in one layer, keys and values together. */
  public static long blockBytes(KvType type, int blockSize, int kvHeads, int headSize) {
    return 2L * blockSize * kvHeads * type.bytes(headSize);
  }

  /** Where the vector of a head at a slot starts, in bytes. */
  long offset(int block, int kvHead, int slotInBlock) {
    return (((long) block * kvHeads + kvHead) * blockSize + slotInBlock) * type.bytes(headSize);
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
      type.encode(k, kOffset + from, headSize, keys, to);
      type.encode(v, vOffset + from, headSize, values, to);
    }
  }

  /** Copies a whole block, keys and values. */
  public void copyBlock(int source, int destination) {
    copyBlockTo(this, source, destination);
  }

  /** Copies a whole block, keys and values, into another cache of the same layer. */
  public void copyBlockTo(KvCache other, int source, int destination) {
    long bytes = blockBytes(type, blockSize, kvHeads, headSize) / 2;
    MemorySegment.copy(keys, source * bytes, other.keys, destination * bytes, bytes);
    MemorySegment.copy(values, source * bytes, other.values, destination * bytes, bytes);
  }
}
