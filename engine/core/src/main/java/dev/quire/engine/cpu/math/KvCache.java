package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The keys and values of one layer, in blocks of positions, off the heap.
 *
 * <pre>
 *   keys, values: [blocks][kvHeads] pieces of blockSize vectors, numbers as KvType says
 *
 *   block 0                              block 1 …
 *   [piece of head 0][of head 1] …
 *
 *   piece of keys     panels of 16 slots, [headSize][16]
 *   piece of values   panels of 16 of a vector's numbers, [blockSize][16]
 *   Q8_0: behind the panels the scales, half [headSize / 32][blockSize]
 * </pre>
 *
 * So attention reads all of a piece in order, and a lane of its vectors is a position's score or a
 * column of the values: no sum crosses lanes. The last panel of a piece is as narrow as what is
 * left.
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

  /** Whether attention can use the floats as they lie. */
  boolean hasWholeFloatPanels() {
    return type == KvType.F32 && blockSize % LANES == 0 && headSize % LANES == 0;
  }

  /** Where the piece of a block and head starts, in bytes. */
  long piece(int block, int kvHead) {
    return ((long) block * kvHeads + kvHead) * blockSize * type.bytes(headSize);
  }

  /** Where the number {@code d} of a slot's key lies. */
  private long key(long piece, int slot, int d) {
    int panel = slot / LANES * LANES;
    int wide = Math.min(LANES, blockSize - panel);
    return piece + type.elementBytes() * ((long) panel * headSize + d * wide + slot - panel);
  }

  /** Where the number {@code d} of a slot's value lies. */
  private long value(long piece, int slot, int d) {
    int panel = d / LANES * LANES;
    int wide = Math.min(LANES, headSize - panel);
    return piece + type.elementBytes() * ((long) panel * blockSize + slot * wide + d - panel);
  }

  /**
   * Where the scale of the number {@code d} of a slot's key or value lies; the next slot's next.
   */
  long scale(long piece, int d, int slot) {
    return piece + (long) blockSize * headSize + 2L * (d / KvType.BLOCK * blockSize + slot);
  }

  /** The number {@code d} of a slot's key. */
  float keyAt(long piece, int slot, int d) {
    return type.decode(keys, key(piece, slot, d), scale(piece, d, slot));
  }

  /** The number {@code d} of a slot's value. */
  float valueAt(long piece, int slot, int d) {
    return type.decode(values, value(piece, slot, d), scale(piece, d, slot));
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
    long keyStep = key(0, inBlock, 1) - key(0, inBlock, 0);
    for (int head = 0; head < kvHeads; head++) {
      long piece = piece(block, head);
      float keyFactor = 1;
      float valueFactor = 1;
      for (int d = 0; d < headSize; d += LANES) {
        int n = Math.min(LANES, headSize - d);
        int from = kOffset + head * headSize + d;
        int valueFrom = vOffset + head * headSize + d;
        if (type == KvType.Q8_0 && d % KvType.BLOCK == 0) {
          int shared = Math.min(KvType.BLOCK, headSize - d);
          long scale = scale(piece, d, inBlock);
          keyFactor = KvType.encodeScale(k, from, shared, keys, scale);
          valueFactor = KvType.encodeScale(v, valueFrom, shared, values, scale);
        }
        type.encode(k, from, n, keyFactor, keys, key(piece, inBlock, d), keyStep);
        long to = value(piece, inBlock, d);
        type.encode(v, valueFrom, n, valueFactor, values, to, type.elementBytes());
      }
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
