package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Brings a tile's next chunk into the caches while the present one is multiplied: two lines are
 * read after each block of a register tile, so far apart that the chunk is through when its turn
 * comes. There is no prefetch in Java, and a load that misses holds up what follows as soon as the
 * window of operations under way is full; but of lines in order the processor then reads the next
 * ones by itself, so that most of these loads find theirs.
 *
 * <p>With few rows the loads would be too many for each block, and all are made before.
 */
final class ReadAhead {
  /** Rows from which on a chunk's blocks are as many as half of its lines. */
  static final int LEAST_ROWS = 16;

  private MemorySegment sink = MemorySegment.NULL;
  private long at;
  private long step;

  @SuppressWarnings("UnusedVariable")
  private int sunk;

  /**
   * Begins with a chunk; its own lines are read at once, if nothing did so before.
   *
   * @param from the chunk's first input
   * @param blocks blocks of register tiles of four rows that will be computed
   */
  void begin(WeightTiles w, int tile, int from, int rows, int blocks) {
    if (sink.byteSize() == 0) {
      sink = Arena.ofAuto().allocate(LINE, LINE);
    }
    MemorySegment data = w.data();
    boolean slowly = rows >= LEAST_ROWS;
    if (from == 0 || !slowly) {
      // Decoding has few lines under way, a loop of nothing but loads many.
      int n = Math.min(CHUNK, w.inputs() - from);
      sunk ^= Lanes.touch(data, w.offset(tile, from), w.layout().bytes(n));
    }
    int next = from + CHUNK;
    if (slowly && next < w.inputs()) {
      at = data.address() + w.offset(tile, next);
      long bytes = w.layout().bytes(Math.min(CHUNK, w.inputs() - next));
      step = (bytes - 2 * LINE) / blocks;
    } else {
      at = data.address() + w.offset(tile, from);
      step = 0;
    }
  }

  /** Address of a line where a tile leaves what it read, lest loads be thought useless. */
  long sink() {
    return sink.address();
  }

  /** Address of the next block's two lines. */
  long at() {
    return at;
  }

  /** Bytes from one block's lines to the next one's. */
  long step() {
    return step;
  }

  /** Goes on. */
  void advance(int blocks) {
    at += blocks * step;
  }
}
