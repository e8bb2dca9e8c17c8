package dev.quire.engine.cpu.math;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Scalar until the vector code is compiled. Vector operations that C2 hasn't compiled yet allocate
 * an object each and are a hundred times slower than plain loops, long enough to be felt in the
 * first second of a process. So threads of its own, which then end, run each group of loops on
 * small data until they allocate nothing any more; since both give the same bits, the change passes
 * unnoticed.
 *
 * <p>Compiling takes longer than a step does, so only what the first token waits for is compiled at
 * once: the products of a few rows. Other loops follow when they have been used for a while, or
 * when the process has had a second for itself.
 */
@SuppressWarnings({"EnumOrdinal", "RefactorSwitch"})
final class WarmingArithmetic extends Arithmetic {
  private static final long GIVE_UP_NANOS = 20_000_000_000L;

  // Groups of loops that become ready together; then for each layout the products of rows one by
  // one and of several, and for each type of the KV cache its decoding.
  private static final int ELEMENTWISE = 0;
  private static final int ATTENTION = 1;
  private static final int PANEL = 2;
  private static final int SINGLES = 3;
  private static final int LAYOUTS = TileLayout.values().length;
  private static final int SEVERAL = SINGLES + LAYOUTS;
  private static final int CACHES = SEVERAL + LAYOUTS;
  private static final int GROUPS = CACHES + KvType.values().length;

  private static final int COLD = 0;
  private static final int ASKED = 1;
  private static final int READY = 2;

  /**
   * Calls of plain loops after which vectors are worth compiling: more than the step of a short
   * prompt makes, which would only be held up.
   */
  private static final int FEW_CALLS = 512;

  private static final int FEW_ATTENTION_CALLS = 4096;

  /** When a process with nothing to do warms up what it may need. */
  private static final long LATER_NANOS = 1_000_000_000L;

  private static final int RUNS = 10;

  private static final ThreadMXBean THREADS =
      ManagementFactory.getPlatformMXBean(ThreadMXBean.class);

  /** Rounds after which C2 has much to compile, and half a core is left to it. */
  private static final int ROUNDS_TO_ASK = 10;

  private static final int ROUNDS_PER_COMPARISON = 50;

  private final Arithmetic scalar = new ScalarArithmetic("while vectors warm up");
  private final Arithmetic vector;

  // Of the JVM, as compiled code is.
  private static final AtomicIntegerArray state = new AtomicIntegerArray(GROUPS);
  // One group at a time, so that warming takes one core from the work and not all.
  private static final ReentrantLock turn = new ReentrantLock(true);

  /** Calls of a group's plain loops; some are lost where threads count at once. */
  private static final int[] calls = new int[GROUPS];

  WarmingArithmetic(Arithmetic vector) {
    this.vector = vector;
  }

  @Override
  void expect(TileLayout layout) {
    int single = SINGLES + layout.ordinal();
    int several = SEVERAL + layout.ordinal();
    // Of what a short prompt needs: of bytes, its few rows are multiplied one by one.
    int[] atOnce;
    if (!layout.takesQuantized()) {
      atOnce = new int[] {single, several, PANEL};
    } else if (layout.hasNibbles()) {
      atOnce = new int[] {single, several};
    } else {
      atOnce = new int[] {single};
    }
    int[] asked = Arrays.stream(atOnce).filter(WarmingArithmetic::ask).toArray();
    if (asked.length == 0) {
      return;
    }
    start(
        () -> {
          Arrays.stream(asked).forEach(this::warm);
          LockSupport.parkNanos(LATER_NANOS);
          for (int group : new int[] {several, PANEL, ATTENTION, ELEMENTWISE}) {
            if (ask(group)) {
              warm(group);
            }
          }
        });
  }

  @Override
  void awaitExpected(long nanos) {
    long end = System.nanoTime() + nanos;
    for (int group = PANEL; group < CACHES; group++) {
      while (state.get(group) == ASKED && System.nanoTime() < end) {
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  private static boolean ask(int group) {
    return state.get(group) == COLD && state.compareAndSet(group, COLD, ASKED);
  }

  private static void start(Runnable work) {
    Thread.ofPlatform().daemon().name("quire-vector-warm-up").start(work);
  }

  private Arithmetic of(int group) {
    int now = state.get(group);
    if (now == READY) {
      return vector;
    }
    if (now == COLD && ++calls[group] > mostCalls(group) && ask(group)) {
      start(() -> warm(group));
    }
    return scalar;
  }

  private static int mostCalls(int group) {
    if (group >= PANEL && group < CACHES) {
      return 0;
    }
    return group == ATTENTION ? FEW_ATTENTION_CALLS : FEW_CALLS;
  }

  /** Rows are multiplied one by one, or several together. */
  private static int group(TileLayout layout, QuantizedRows x) {
    return (x.hasFactors() && x.quadRows() == 0 ? SINGLES : SEVERAL) + layout.ordinal();
  }

  private void warm(int group) {
    turn.lock();
    try {
      Runnable onVector = work(group, vector);
      Runnable onScalar = work(group, scalar);
      long start = System.nanoTime();
      long roundStart = start;
      for (int round = 1; roundStart - start < GIVE_UP_NANOS; round++) {
        if (allocatesNothing(onVector)
            || round % ROUNDS_PER_COMPARISON == 0 && best(onVector) < best(onScalar)) {
          break;
        }
        if (round > ROUNDS_TO_ASK) {
          LockSupport.parkNanos(System.nanoTime() - roundStart);
        }
        roundStart = System.nanoTime();
      }
      state.set(group, READY);
    } finally {
      turn.unlock();
    }
  }

  /** Whether a vector stays in its register: then C2 has compiled all of the work. */
  private static boolean allocatesNothing(Runnable work) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < RUNS; i++) {
      work.run();
    }
    long after = THREADS.getCurrentThreadAllocatedBytes();
    return before >= 0 && after == before;
  }

  private static long best(Runnable work) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < RUNS; i++) {
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
        int rows = 5;
        float[] maxima = new float[rows];
        float[] totals = new float[rows * LANES];
        float[] sums = new float[rows * POSITION_TILE];
        MemorySegment tile = cacheTile(32);
        return () -> {
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
        return group < CACHES
            ? layoutWork(group, arithmetic)
            : cacheWork(KvType.values()[group - CACHES], arithmetic);
      }
    }
  }

  private static Runnable layoutWork(int group, Arithmetic arithmetic) {
    Scratch scratch = new Scratch();
    int n = 256;
    TileLayout layout = TileLayout.values()[(group - SINGLES) % LAYOUTS];
    int rows = TILES_TOGETHER * WeightTiles.ROWS;
    MemorySegment data = Arena.ofAuto().allocate(WeightTiles.bytes(layout, rows, n), Long.BYTES);
    WeightTiles tiles = new WeightTiles(layout, rows, n, data);
    float[] out = new float[2 * TILE_ROWS * WeightTiles.ROWS];
    boolean single = group < SEVERAL;
    if (layout.takesQuantized()) {
      // Of several, groups of all sizes.
      QuantizedRows x = quantized(layout, arithmetic, single ? 1 : 2 * TILE_ROWS - 1);
      return single
          ? () -> arithmetic.quantizedRow(tiles, 0, TILES_TOGETHER, x, out, 0, scratch)
          : () -> arithmetic.quantizedProducts(tiles, 0, x, out, 0, WeightTiles.ROWS, scratch);
    }
    if (single) {
      float[] x = new float[n];
      return () -> arithmetic.product(tiles, 0, TILES_TOGETHER, x, 0, out, 0, scratch);
    }
    float[] panel = new float[n * WeightTiles.ROWS];
    return () -> arithmetic.decode(tiles, 0, 0, panel, scratch);
  }

  private static Runnable cacheWork(KvType type, Arithmetic arithmetic) {
    KvCache cache = KvCache.allocate(Arena.ofAuto(), type, 1, POSITION_TILE, 1, 32);
    MemorySegment tile = cacheTile(32);
    return () -> arithmetic.decodeCache(cache, 0, 0, POSITION_TILE, tile, 0);
  }

  /** Room for keys and values of a tile of positions. */
  private static MemorySegment cacheTile(int headSize) {
    return Arena.ofAuto().allocate(2L * POSITION_TILE * headSize * Float.BYTES, 64);
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
      WeightTiles w,
      int tile,
      int tiles,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s) {
    of(SINGLES + w.layout().ordinal()).product(w, tile, tiles, x, xOffset, out, outOffset, s);
  }

  @Override
  void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    of(SEVERAL + w.layout().ordinal()).decode(w, tile, from, panel, s);
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
    of(group(w.layout(), x)).quantizedProducts(w, tile, x, out, outOffset, outStride, s);
  }

  @Override
  void quantizedRow(
      WeightTiles w, int tile, int tiles, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    of(group(w.layout(), x)).quantizedRow(w, tile, tiles, x, out, outOffset, s);
  }

  @Override
  void decodeCache(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position) {
    of(CACHES + cache.type().ordinal()).decodeCache(cache, piece, slot, slots, tile, position);
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
