package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Scalar until the vector code is compiled. Vector operations that C2 hasn't compiled yet allocate
 * an object each and are a hundred times slower than plain loops, long enough to be felt in the
 * first second of a process. So a thread of its own runs each group of loops on small data until
 * they beat the scalar ones; since both give the same bits, the change passes unnoticed.
 */
final class WarmingArithmetic extends Arithmetic {
  private static final long GIVE_UP_NANOS = 20_000_000_000L;

  // Groups of loops that become ready together; a tensor type's product and decoding are one more
  // each, from FIRST_TYPE on.
  private static final int ELEMENTWISE = 0;
  private static final int ATTENTION = 1;
  private static final int TILE = 2;
  private static final int FIRST_TYPE = 3;

  private static final int COLD = 0;
  private static final int ASKED = 1;
  private static final int READY = 2;

  private final Arithmetic scalar = new ScalarArithmetic("while vectors warm up");
  private final Arithmetic vector;
  private final AtomicIntegerArray state =
      new AtomicIntegerArray(FIRST_TYPE + TensorType.values().length);
  private final LinkedBlockingDeque<Integer> asked = new LinkedBlockingDeque<>();

  WarmingArithmetic(Arithmetic vector) {
    this.vector = vector;
    Thread.ofPlatform().daemon().name("quire-vector-warm-up").start(this::warm);
  }

  private Arithmetic of(int group) {
    int now = state.get(group);
    if (now == READY) {
      return vector;
    }
    if (now == COLD && state.compareAndSet(group, COLD, ASKED)) {
      asked.add(group);
    }
    return scalar;
  }

  private static int group(TensorType type) {
    return FIRST_TYPE + type.ordinal();
  }

  private void warm() {
    try {
      while (true) {
        int group = asked.take();
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
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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
    float[] w = new float[TILE_OUTPUTS * n];
    float[] out = new float[Math.max(n, TILE_ROWS * TILE_OUTPUTS)];
    switch (group) {
      case ELEMENTWISE -> {
        return () -> {
          arithmetic.activate(Activation.SILU, x, 0, n);
          arithmetic.sumOfSquares(x, 0, n, 0);
        };
      }
      case ATTENTION -> {
        KvCache cache = KvCache.allocate(Arena.ofAuto(), 1, POSITION_TILE, 1, 32);
        return () -> {
          for (int heads = 1; heads <= 4; heads += 3) {
            arithmetic.scores(
                x, 0, heads, 32, cache.keys(), 0, POSITION_TILE, out, 0, POSITION_TILE, scratch);
            arithmetic.exponentials(out, 0, 0);
            arithmetic.accumulate(
                out, 0, POSITION_TILE, heads, 32, cache.values(), 0, POSITION_TILE, w, 0, scratch);
          }
        };
      }
      case TILE -> {
        return () -> {
          for (int rows = 1; rows <= TILE_ROWS; rows++) {
            arithmetic.tile(w, 0, n, TILE_OUTPUTS, x, 0, n, rows, n, out, 0, TILE_OUTPUTS, scratch);
          }
        };
      }
      default -> {
        TensorType type = TensorType.values()[group - FIRST_TYPE];
        MemorySegment data = Arena.ofAuto().allocate(type.bytesFor(n) * TILE_OUTPUTS, Long.BYTES);
        Matrix matrix = new Matrix(type, TILE_OUTPUTS, n, data);
        return () -> {
          arithmetic.product(matrix, 0, TILE_OUTPUTS, x, 0, out, 0, scratch);
          for (int row = 0; row < TILE_OUTPUTS; row++) {
            arithmetic.decode(matrix, row, w, 0, scratch);
          }
        };
      }
    }
  }

  @Override
  public String describe() {
    return vector.describe();
  }

  @Override
  void product(
      Matrix w, int from, int to, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    of(group(w.type())).product(w, from, to, x, xOffset, out, outOffset, s);
  }

  @Override
  void decode(Matrix w, int row, float[] target, int offset, Scratch s) {
    of(group(w.type())).decode(w, row, target, offset, s);
  }

  @Override
  void tile(
      float[] w,
      int wOffset,
      int wStride,
      int outputs,
      float[] x,
      int xOffset,
      int xStride,
      int rows,
      int length,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    of(TILE)
        .tile(
            w, wOffset, wStride, outputs, x, xOffset, xStride, rows, length, out, outOffset,
            outStride, s);
  }

  @Override
  void scores(
      float[] q,
      int qOffset,
      int heads,
      int headSize,
      MemorySegment keys,
      long keysOffset,
      int positions,
      float[] scores,
      int scoresOffset,
      int stride,
      Scratch s) {
    of(ATTENTION)
        .scores(
            q,
            qOffset,
            heads,
            headSize,
            keys,
            keysOffset,
            positions,
            scores,
            scoresOffset,
            stride,
            s);
  }

  @Override
  float exponentials(float[] p, int offset, float max) {
    return of(ATTENTION).exponentials(p, offset, max);
  }

  @Override
  void accumulate(
      float[] p,
      int pOffset,
      int stride,
      int heads,
      int headSize,
      MemorySegment values,
      long valuesOffset,
      int positions,
      float[] sums,
      int sumsOffset,
      Scratch s) {
    of(ATTENTION)
        .accumulate(
            p,
            pOffset,
            stride,
            heads,
            headSize,
            values,
            valuesOffset,
            positions,
            sums,
            sumsOffset,
            s);
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
