package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Scalar until the vector code is compiled. Vector operations that C2 hasn't compiled yet allocate
 * an object each and are a hundred times slower than plain loops, long enough to be felt in the
 * first second of a process. So threads of its own, which then end, run each group of loops on
 * small data until they beat the scalar ones; since both give the same bits, the change passes
 * unnoticed.
 */
@SuppressWarnings({"EnumOrdinal", "RefactorSwitch"})
final class WarmingArithmetic extends Arithmetic {
  private static final long GIVE_UP_NANOS = 20_000_000_000L;

  // Groups of loops that become ready together; a layout's product and decoding are one more
  // each, from FIRST_LAYOUT on.
  private static final int ELEMENTWISE = 0;
  private static final int ATTENTION = 1;
  private static final int PANEL = 2;
  private static final int FIRST_LAYOUT = 3;

  private static final int COLD = 0;
  private static final int ASKED = 1;
  private static final int READY = 2;

  private final Arithmetic scalar = new ScalarArithmetic("while vectors warm up");
  private final Arithmetic vector;

  // Of the JVM, as compiled code is.
  private static final AtomicIntegerArray state =
      new AtomicIntegerArray(FIRST_LAYOUT + TileLayout.values().length);
  // One group at a time, so that warming takes one core from the work and not all.
  private static final ReentrantLock turn = new ReentrantLock();

  WarmingArithmetic(Arithmetic vector) {
    this.vector = vector;
  }

  @Override
  void expect(TileLayout layout) {
    of(group(layout));
    of(PANEL);
    of(ATTENTION);
    of(ELEMENTWISE);
  }

  @Override
  void awaitExpected(long nanos) {
    long end = System.nanoTime() + nanos;
    for (int group = 0; group < state.length(); group++) {
      while (state.get(group) == ASKED && System.nanoTime() < end) {
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  private Arithmetic of(int group) {
    int now = state.get(group);
    if (now == READY) {
      return vector;
    }
    if (now == COLD && state.compareAndSet(group, COLD, ASKED)) {
      Thread.ofPlatform().daemon().name("quire-vector-warm-up").start(() -> warm(group));
    }
    return scalar;
  }

  private static int group(TileLayout layout) {
    return FIRST_LAYOUT + layout.ordinal();
  }

  private void warm(int group) {
    turn.lock();
    try {
      Runnable onVector = work(group, vector);
      Runnable onScalar = work(group, scalar);
      long start = System.nanoTime();
      while (System.nanoTime() - start < GIVE_UP_NANOS) {
        long vectorTime = best(onVector);
        if (vectorTime < best(onScalar)) {
          break;
        }
      }
      state.set(group, READY);
    } finally {
      turn.unlock();
    }
  }

  private static long best(Runnable work) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 10; i++) {
      long start = System.nanoTime();
      work.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best;
  }

  private static Runnable work(int group, Arithmetic arithmetic) {
    Scratch scratch = new Scratch();
    int n = 256;
    float[] x = new float[TILE_ROWS * n];
    float[] out = new float[2 * TILE_ROWS * WeightTiles.ROWS];
    switch (group) {
      case ELEMENTWISE -> {
        return () -> {
          arithmetic.activate(Activation.SILU, x, 0, n);
          arithmetic.sumOfSquares(x, 0, n, 0);
        };
      }
      case ATTENTION -> {
        Arena arena = Arena.ofAuto();
        List<KvCache> caches = new ArrayList<>();
        for (KvType type : KvType.values()) {
          caches.add(KvCache.allocate(arena, type, 1, POSITION_TILE, 1, 32));
        }
        int rows = 5;
        float[] maxima = new float[rows];
        float[] totals = new float[rows * LANES];
        float[] sums = new float[rows * POSITION_TILE];
        MemorySegment tile = arena.allocate(2L * POSITION_TILE * 32 * Float.BYTES, 64);
        return () -> {
          for (KvCache cache : caches) {
            arithmetic.decodeCache(cache, 0, 0, POSITION_TILE, tile, 0);
          }
          maxima[0] = Float.NEGATIVE_INFINITY;
          int stride = POSITION_TILE;
          arithmetic.addPanel(x, 0, stride, rows, stride, tile, 0, sums, 0, stride);
          arithmetic.soften(x, 0, rows, maxima, totals, sums, stride);
        };
      }
      case PANEL -> {
        float[] panel = new float[n * WeightTiles.ROWS];
        return () -> {
          for (int rows = 1; rows <= TILE_ROWS; rows *= 2) {
            arithmetic.multiply(panel, n, x, 0, rows, out, 0, WeightTiles.ROWS, scratch);
          }
        };
      }
      default -> {
        TileLayout layout = TileLayout.values()[group - FIRST_LAYOUT];
        MemorySegment data =
            Arena.ofAuto().allocate(WeightTiles.bytes(layout, WeightTiles.ROWS, n), Long.BYTES);
        WeightTiles tiles = new WeightTiles(layout, WeightTiles.ROWS, n, data);
        if (layout.takesQuantized()) {
          QuantizedRows one = quantized(layout, arithmetic, 1);
          // Groups of all sizes.
          QuantizedRows some = quantized(layout, arithmetic, 2 * TILE_ROWS - 1);
          return () -> {
            arithmetic.quantizedProducts(tiles, 0, one, out, 0, 0, scratch);
            arithmetic.quantizedProducts(tiles, 0, some, out, 0, WeightTiles.ROWS, scratch);
          };
        }
        float[] panel = new float[n * WeightTiles.ROWS];
        return () -> {
          arithmetic.product(tiles, 0, x, 0, out, 0, scratch);
          arithmetic.decode(tiles, 0, 0, panel, scratch);
        };
      }
    }
  }

  private static QuantizedRows quantized(TileLayout layout, Arithmetic arithmetic, int rows) {
    boolean nibbles = layout.hasNibbles();
    int group = arithmetic.mostOfGroup();
    QuantizedRows quantized =
        nibbles ? QuantizedRows.forNibbles(group) : QuantizedRows.forBytes(group);
    quantized.resize(rows, 256, arithmetic.multipliesWords(nibbles, rows));
    return quantized;
  }

  @Override
  public String describe() {
    return vector.describe();
  }

  @Override
  void product(
      WeightTiles w, int tile, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    of(group(w.layout())).product(w, tile, x, xOffset, out, outOffset, s);
  }

  @Override
  void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    of(group(w.layout())).decode(w, tile, from, panel, s);
  }

  @Override
  void multiply(
      float[] panel,
      int n,
      float[] x,
      int xOffset,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    of(PANEL).multiply(panel, n, x, xOffset, rows, out, outOffset, outStride, s);
  }

  @Override
  boolean multipliesWords(boolean nibbles, int rows) {
    return vector.multipliesWords(nibbles, rows);
  }

  @Override
  int mostOfGroup() {
    return vector.mostOfGroup();
  }

  @Override
  void quantizedProducts(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    of(group(w.layout())).quantizedProducts(w, tile, x, out, outOffset, outStride, s);
  }

  @Override
  void decodeCache(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position) {
    of(ATTENTION).decodeCache(cache, piece, slot, slots, tile, position);
  }

  @Override
  void addPanel(
      float[] a,
      int aOffset,
      int aStride,
      int rows,
      int n,
      MemorySegment panel,
      long from,
      float[] c,
      int cOffset,
      int cStride) {
    of(ATTENTION).addPanel(a, aOffset, aStride, rows, n, panel, from, c, cOffset, cStride);
  }

  @Override
  void soften(
      float[] p, int first, int rows, float[] maxima, float[] totals, float[] sums, int width) {
    of(ATTENTION).soften(p, first, rows, maxima, totals, sums, width);
  }

  @Override
  float sum(float[] x, int offset, int n) {
    return of(ELEMENTWISE).sum(x, offset, n);
  }

  @Override
  float sumOfSquares(float[] x, int offset, int n, float centre) {
    return of(ELEMENTWISE).sumOfSquares(x, offset, n, centre);
  }

  @Override
  public void activate(Activation f, float[] x, int offset, int n) {
    of(ELEMENTWISE).activate(f, x, offset, n);
  }

  @Override
  public void softCap(float[] x, int offset, int n, float cap) {
    of(ELEMENTWISE).softCap(x, offset, n, cap);
  }
}
