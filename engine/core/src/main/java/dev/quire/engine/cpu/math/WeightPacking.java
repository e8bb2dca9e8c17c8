package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * Lays the weights of a model out for the vector loops, into memory of its own. Reading them in
 * this order once costs less than a second a gigabyte, and every step is faster by more than that.
 *
 * <p>Matrices are announced first, then {@link #pack packed} all at once on the team.
 */
public final class WeightPacking {
  /** A model of which one step of slow arithmetic takes longer than to wait for the fast one. */
  private static final long LARGE = 200L << 20;

  private static final long PATIENCE_NANOS = 1_500_000_000L;

  private final Map<MemorySegment, Matrix> matrices = new HashMap<>();
  private final List<Plan> plans = new ArrayList<>();
  private long bytes;
  private String report = "weights as they lie in the file";

  private record Plan(Matrix matrix, TileLayout layout, long offset) {}

  /** The bytes that the announced matrices take when laid out. */
  public long bytes() {
    return bytes;
  }

  /** Announces a matrix. */
  public void announce(Tensor tensor) {
    Matrix matrix = Matrix.of(tensor);
    if (matrices.putIfAbsent(tensor.data(), matrix) != null) {
      return;
    }
    TileLayout layout = TileLayout.of(matrix.type());
    if (layout != null && matrix.outputs() > 0 && matrix.inputs() > 0) {
      plans.add(new Plan(matrix, layout, bytes));
      long size = WeightTiles.bytes(layout, matrix.outputs(), matrix.inputs());
      bytes += Math.ceilDiv(size, 64) * 64;
    }
  }

  /**
   * Packs what was announced, while the arithmetic warms up for it.
   *
   * @param arena how long the tiles live
   */
  public void pack(WorkerTeam team, Arena arena, Arithmetic arithmetic) {
    for (Plan plan : plans) {
      arithmetic.expect(plan.layout());
    }
    AnonymousMemory memory = AnonymousMemory.allocate(Math.max(bytes, 64), arena);
    List<WeightTiles> tiles = new ArrayList<>();
    int[] starts = new int[plans.size() + 1];
    for (int i = 0; i < plans.size(); i++) {
      Plan plan = plans.get(i);
      Matrix matrix = plan.matrix();
      long size = WeightTiles.bytes(plan.layout(), matrix.outputs(), matrix.inputs());
      MemorySegment data = memory.segment().asSlice(plan.offset(), size);
      tiles.add(new WeightTiles(plan.layout(), matrix.outputs(), matrix.inputs(), data));
      starts[i + 1] = starts[i] + tiles.get(i).tiles();
    }
    var unfit = new AtomicIntegerArray(plans.size());
    TilePacker[] packers = new TilePacker[team.size()];
    for (int i = 0; i < packers.length; i++) {
      packers[i] = new TilePacker();
    }
    team.forEach(
        starts[plans.size()],
        (item, worker) -> {
          int i = plan(starts, item);
          Plan plan = plans.get(i);
          if (!packers[worker].pack(
              plan.matrix(), plan.layout(), item - starts[i], tiles.get(i).data())) {
            unfit.set(i, 1);
          }
        });
    for (int i = 0; i < plans.size(); i++) {
      Matrix m = plans.get(i).matrix();
      if (unfit.get(i) == 0) {
        matrices.put(
            m.data(), new Matrix(m.type(), m.outputs(), m.inputs(), m.data(), tiles.get(i)));
      }
    }
    if (bytes > LARGE) {
      arithmetic.awaitExpected(PATIENCE_NANOS);
    }
    report =
        "%.1f GB of weights laid out%s"
            .formatted(bytes / 1e9, memory.hugePages() ? " in huge pages" : "");
  }

  private static int plan(int[] starts, int item) {
    int low = 0;
    int high = starts.length - 1;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (item >= starts[middle]) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** A tensor's matrix, with its tiles if it has any. */
  public Matrix of(Tensor tensor) {
    @Nullable Matrix matrix = matrices.get(tensor.data());
    return matrix == null ? Matrix.of(tensor) : matrix;
  }

  /** What was done, for people. */
  public String describe() {
    return report;
  }
}
