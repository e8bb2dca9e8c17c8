package dev.quire.engine.cpu.math;

import com.sun.management.ThreadMXBean;
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
 * <p>Compiling takes longer than a step does, so a {@link FirstStep} of Q8_0 and Q4_0 isn't kept
 * waiting: it is computed by {@link PlainWords}, and vectors are compiled when it is done. With
 * other layouts, what the first token waits for is compiled at once: the products of a few rows.
 * The rest follows when it has been used for a while, or when the process has had a second for
 * itself.
 */
@SuppressWarnings({"EnumOrdinal", "RefactorSwitch"})
final class WarmingArithmetic extends Arithmetic {
  private static final long GIVE_UP_NANOS = 20_000_000_000L;

  // Groups of loops that become ready together; then for each layout the products of rows one by
  // one and of several, and for each type of the KV cache its decoding.
  static final int ELEMENTWISE = 0;
  static final int ATTENTION = 1;
  static final int PANEL = 2;
  static final int SINGLES = 3;
  static final int LAYOUTS = TileLayout.values().length;
  static final int FEW = SINGLES + LAYOUTS;
  static final int SEVERAL = FEW + LAYOUTS;
  static final int CACHES = SEVERAL + LAYOUTS;
  private static final int GROUPS = CACHES + KvType.values().length;

  private static final int COLD = 0;
  private static final int LATER = 1;
  private static final int ASKED = 2;
  private static final int READY = 3;

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

  private static final FirstStep FIRST_STEP = new FirstStep();

  /** A busy machine takes long to compile, and as much longer for a step of slow arithmetic. */
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  /** Runs of a first step's loops after which C2 has compiled them all, or soon will have. */
  private static final int PLAIN_RUNS = 4096;

  /** Of these, those after which C2 has much to compile, and gets a core now and then. */
  private static final int PLAIN_RUNS_AT_ONCE = 1024;

  private static final int PLAIN_RUNS_BETWEEN_PAUSES = 16;
  private static final long PLAIN_PAUSE_NANOS = 1_000_000;

  /** Calls of a group's plain loops; some are lost where threads count at once. */
  private static final int[] calls = new int[GROUPS];

  WarmingArithmetic(Arithmetic vector) {
    this.vector = vector;
  }

  @Override
  void expect(TileLayout layout) {
    int single = SINGLES + layout.ordinal();
    int few = FEW + layout.ordinal();
    int several = SEVERAL + layout.ordinal();
    if (PlainWords.takes(layout)) {
      boolean mine = state.compareAndSet(single, COLD, LATER);
      state.compareAndSet(few, COLD, LATER);
      if (state.compareAndSet(several, COLD, LATER) && mine) {
        start(() -> warmAfterFirstStep(layout, single, few, several));
      }
      return;
    }
    // Of what a short prompt needs: of several rows, floats are multiplied in panels.
    int[] atOnce =
        layout.takesQuantized() ? new int[] {single, several} : new int[] {single, several, PANEL};
    int[] asked = Arrays.stream(atOnce).filter(WarmingArithmetic::ask).toArray();
    if (asked.length == 0) {
      return;
    }
    start(
        () -> {
          Arrays.stream(asked).forEach(this::warm);
          warmRest();
        });
  }

  private void warmAfterFirstStep(TileLayout layout, int single, int few, int several) {
    // Rows are taken two by two: with one that is left and without, or C2 would compile for that
    // case alone, and once more when it meets the other.
    Runnable one = WarmUpWork.plain(layout, 1, TILES_TOGETHER);
    Runnable some = WarmUpWork.plain(layout, 4, TILES_TOGETHER);
    for (int run = 0; run < PLAIN_RUNS && !FIRST_STEP.hasBegun(); run++) {
      one.run();
      some.run();
      if (run > PLAIN_RUNS_AT_ONCE && run % PLAIN_RUNS_BETWEEN_PAUSES == 0) {
        LockSupport.parkNanos(PLAIN_PAUSE_NANOS);
      }
    }
    FIRST_STEP.awaitEnd();
    for (int group : new int[] {single, few, several}) {
      warm(FIRST_STEP.hasManyTokens() ? several : group);
      warm(group);
    }
    warmRest();
  }

  private void warmRest() {
    LockSupport.parkNanos(LATER_NANOS);
    for (int group : new int[] {PANEL, ATTENTION, ELEMENTWISE}) {
      if (ask(group)) {
        warm(group);
      }
    }
  }

  @Override
  void awaitExpected(long nanos) {
    long end = System.nanoTime() + nanos;
    for (int group = PANEL; group < CACHES; group++) {
      await(group, ASKED, end);
    }
  }

  @Override
  public void stepStarts(long work) {
    if (FIRST_STEP.begin(work)) {
      int first = FIRST_STEP.hasManyTokens() ? SEVERAL : SINGLES;
      long end = System.nanoTime() + PATIENCE_NANOS;
      for (int group = first; group < first + LAYOUTS; group++) {
        await(group, LATER, end);
      }
    }
  }

  private static void await(int group, int past, long end) {
    while (state.get(group) == past && System.nanoTime() < end) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void stepDone() {
    FIRST_STEP.end();
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
    if (now == LATER) {
      FIRST_STEP.end(); // for which there is nothing better than vectors
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
    boolean oneByOne = x.hasFactors() && x.quadRows() == 0;
    int first = !oneByOne ? SEVERAL : x.rows() == 1 ? SINGLES : FEW;
    return first + layout.ordinal();
  }

  /** What quantised rows are multiplied by: vectors, else plain words if the layout has any. */
  private Arithmetic of(TileLayout layout, QuantizedRows x) {
    int group = group(layout, x);
    if (state.get(group) == LATER) {
      return scalar;
    }
    return of(group);
  }

  private void warm(int group) {
    turn.lock();
    try {
      if (state.get(group) == READY) {
        return;
      }
      Runnable onVector = WarmUpWork.of(group, vector);
      Runnable onScalar = WarmUpWork.of(group, scalar);
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
      FIRST_STEP.yieldTo();
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
    quantizedTiles(w, tile, 1, x, out, outOffset, outStride, s);
  }

  /** As many as plain words go by, while there is a layout that may be multiplied by them. */
  @Override
  int tilesOfSeveral() {
    for (int group = FEW; group < CACHES; group++) {
      if (state.get(group) == LATER) {
        return PlainWords.MOST_TILES;
      }
    }
    return 1;
  }

  @Override
  void quantizedTiles(
      WeightTiles w,
      int tile,
      int tiles,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    Arithmetic arithmetic = of(w.layout(), x);
    if (arithmetic == scalar && PlainWords.takes(w.layout())) {
      s.plainWords().products(w, tile, tiles, x, out, outOffset, outStride);
    } else {
      arithmetic.quantizedTiles(w, tile, tiles, x, out, outOffset, outStride, s);
    }
  }

  @Override
  void quantizedRow(
      WeightTiles w, int tile, int tiles, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    Arithmetic arithmetic = of(w.layout(), x);
    if (arithmetic == scalar && PlainWords.takes(w.layout())) {
      s.plainWords().products(w, tile, tiles, x, out, outOffset, WeightTiles.ROWS);
    } else {
      arithmetic.quantizedRow(w, tile, tiles, x, out, outOffset, s);
    }
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
