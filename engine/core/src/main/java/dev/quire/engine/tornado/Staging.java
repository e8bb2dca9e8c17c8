package dev.quire.engine.tornado;

import java.lang.foreign.MemorySegment;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The arrays in which pieces of matrices come to the device, to be packed there: one of each type
 * that a model has, so large that a piece is worth its execution, and no larger than the largest
 * matrix.
 */
final class Staging {
  /** Elements of a piece: 32 MiB. */
  static final long ELEMENTS = 16 << 20;

  private final long elements;
  final HalfFloatArray halves;
  final IntArray brains;

  Staging(HostMirror mirror, List<TilePack> packs, long elements) {
    this.elements = elements;
    this.halves = mirror.halves(largest(packs, false));
    this.brains = mirror.ints((largest(packs, true) + 1) / 2);
  }

  private long largest(List<TilePack> packs, boolean brains) {
    return packs.stream()
        .filter(pack -> pack.brains() == brains)
        .mapToLong(pack -> 8L * pack.blocksIn(elements) * pack.inputs())
        .max()
        .orElse(1);
  }

  /** Blocks of a matrix that are staged at a time. */
  int blocks(TilePack pack) {
    return pack.blocksIn(elements);
  }

  /** Stages blocks of a matrix. */
  void fill(TilePack pack, int firstBlock, int count) {
    MemorySegment segment = pack.brains() ? brains.getSegment() : halves.getSegment();
    pack.stage(segment, firstBlock, count);
  }

  /** Gives the host's memory back. */
  void release(HostMirror mirror) {
    mirror.release(halves);
    mirror.release(brains);
  }
}
