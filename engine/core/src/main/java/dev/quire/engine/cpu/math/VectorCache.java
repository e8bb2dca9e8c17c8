package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/** Decodes panels of a {@link KvCache} that are sixteen wide. */
final class VectorCache {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);

  private VectorCache() {}

  /** A panel of keys: sixteen slots from {@code slot} on. */
  static void keyPanel(KvCache cache, long piece, int slot, MemorySegment floats, long to) {
    int size = cache.headSize();
    MemorySegment data = cache.keys();
    long at = piece + cache.type().elementBytes() * slot * size;
    if (cache.type() != KvType.Q8_0) {
      elements(cache.type(), data, at, size * LANES, floats, to);
      return;
    }
    for (int d = 0; d < size; d += KvType.BLOCK) {
      int n = Math.min(KvType.BLOCK, size - d);
      for (int lane = 0; lane < LANES; lane += WIDTH) {
        long from = at + (long) d * LANES + lane;
        long target = to + ((long) d * LANES + lane) * Float.BYTES;
        FloatVector scale = Lanes.finiteHalves(data, cache.scale(piece, d, slot + lane));
        columns(data, from, n, scale, floats, target);
      }
    }
  }

  /** Some slots of a panel of values: the columns from {@code d} on. */
  static void valuePanel(
      KvCache cache, long piece, int d, int slot, int slots, MemorySegment floats, long to) {
    MemorySegment data = cache.values();
    long element = (long) d * cache.blockSize() + slot * LANES;
    long at = piece + cache.type().elementBytes() * element;
    if (cache.type() != KvType.Q8_0) {
      elements(cache.type(), data, at, slots * LANES, floats, to);
      return;
    }
    long scales = cache.scale(piece, d, slot);
    for (int lane = 0; lane < LANES; lane += WIDTH) {
      rows(data, at + lane, slots, scales, floats, to + (long) lane * Float.BYTES);
    }
  }

  private static void elements(
      KvType type, MemorySegment data, long at, int n, MemorySegment floats, long to) {
    switch (type) {
      case F32 -> MemorySegment.copy(data, at, floats, to, (long) n * Float.BYTES);
      case F16 -> halves(data, at, n, floats, to);
      case BF16 -> brainFloats(data, at, n, floats, to);
      case Q8_0 -> throw new IllegalArgumentException("levels have scales");
    }
  }

  // One loop a method: what is nested C2 doesn't inline, and then every vector is an object.

  private static void halves(MemorySegment data, long at, int n, MemorySegment floats, long to) {
    for (int i = 0; i < n; i += WIDTH) {
      Lanes.finiteHalves(data, at + 2L * i).intoMemorySegment(floats, to + 4L * i, ORDER);
    }
  }

  private static void brainFloats(
      MemorySegment data, long at, int n, MemorySegment floats, long to) {
    for (int i = 0; i < n; i += WIDTH) {
      Lanes.brainFloats(data, at + 2L * i).intoMemorySegment(floats, to + 4L * i, ORDER);
    }
  }

  /** Levels of which each lane has a scale of its own. */
  private static void columns(
      MemorySegment data, long at, int n, FloatVector scale, MemorySegment floats, long to) {
    for (int i = 0; i < n; i++) {
      FloatVector level = Lanes.signedBytes(data, at + (long) LANES * i);
      level.mul(scale).intoMemorySegment(floats, to + (long) LANES * Float.BYTES * i, ORDER);
    }
  }

  /** Levels of which each row of sixteen has a scale of its own. */
  private static void rows(
      MemorySegment data, long at, int n, long scales, MemorySegment floats, long to) {
    for (int i = 0; i < n; i++) {
      float scale = Float.float16ToFloat(data.get(SHORT, scales + 2L * i));
      FloatVector level = Lanes.signedBytes(data, at + (long) LANES * i);
      level
          .mul(FloatVector.broadcast(FLOATS, scale))
          .intoMemorySegment(floats, to + (long) LANES * Float.BYTES * i, ORDER);
    }
  }
}
