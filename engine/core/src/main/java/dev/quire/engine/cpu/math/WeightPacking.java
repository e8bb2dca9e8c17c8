package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
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

  /** A busy machine takes long to compile, and as much longer for a step of slow arithmetic. */
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  /** How long a process that ends waits for its tiles to be kept. */
  private static final Duration LAST_PATIENCE = Duration.ofSeconds(5);

  // Samples of a matrix that tell one model from another of the same shape.
  private static final int SAMPLES = 16;
  private static final int SAMPLE = 64;

  private final Map<MemorySegment, Matrix> matrices = new HashMap<>();
  private final List<Plan> plans = new ArrayList<>();
  private long bytes;
  private long elements;
  private TileStore.@Nullable Writer writer;
  private String report = "weights as they lie in the file";

  private record Plan(Matrix matrix, TileLayout layout, long offset) {}

  /** The bytes that the announced matrices take when laid out. */
  public long bytes() {
    return bytes;
  }

  /** The weights of the announced matrices. */
  public long elements() {
    return elements;
  }

  /** Announces a matrix. */
  public void announce(Tensor tensor) {
    Matrix matrix = Matrix.of(tensor);
    elements += tensor.elements();
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
   * @param store where they are kept for later starts; null: nowhere
   */
  public void pack(WorkerTeam team, Arena arena, Arithmetic arithmetic, @Nullable TileStore store) {
    for (Plan plan : plans) {
      arithmetic.expect(plan.layout());
    }
    TileStore keeping = store != null && store.takes(bytes) ? store : null;
    String key = keeping != null ? key() : "";
    TileStore.@Nullable Entry kept = keeping != null ? keeping.find(key, bytes, arena) : null;
    if (kept != null && kept.unfit().length() == plans.size()) {
      use(tiles(kept.tiles()), kept.unfit());
      report = "%.1f GB of weights mapped from %s".formatted(bytes / 1e9, kept.file());
    } else {
      AnonymousMemory memory = AnonymousMemory.allocate(Math.max(bytes, 64), arena);
      List<WeightTiles> tiles = tiles(memory.segment());
      String unfit = lay(tiles, team);
      use(tiles, unfit);
      report =
          "%.1f GB of weights laid out%s"
              .formatted(bytes / 1e9, memory.hugePages() ? " in huge pages" : "");
      if (keeping != null) {
        writer = keeping.write(key, memory.segment().asSlice(0, bytes), unfit);
        report += ", which are kept in " + keeping.file(key) + " for later starts";
      }
    }
    if (bytes > LARGE) {
      arithmetic.awaitExpected(PATIENCE_NANOS);
    }
  }

  /** Ends what still goes on in the background; the arena may be closed after this. */
  public void close() {
    if (writer != null) {
      writer.finish(LAST_PATIENCE);
    }
  }

  /** What the tiles depend on: the layout, the matrices' shapes, and samples of their bytes. */
  private String key() {
    TileStore.Checksum samples = new TileStore.Checksum();
    StringBuilder shapes = new StringBuilder();
    for (Plan plan : plans) {
      Matrix m = plan.matrix();
      shapes.append(plan.layout()).append(' ').append(m.type()).append(' ');
      shapes.append(m.outputs()).append(' ').append(m.inputs()).append('\n');
      long size = m.rowBytes() * m.outputs();
      int length = (int) Math.min(SAMPLE, size);
      for (int i = 0; i < SAMPLES; i++) {
        long at = (size - length) / (SAMPLES - 1) * i;
        samples.update(m.data().asSlice(at, length).asByteBuffer());
      }
    }
    samples.update(ByteBuffer.wrap(shapes.toString().getBytes(StandardCharsets.UTF_8)));
    return "layout " + TileLayout.VERSION + ", " + bytes + " bytes, weights " + samples.digits();
  }

  private List<WeightTiles> tiles(MemorySegment memory) {
    List<WeightTiles> tiles = new ArrayList<>();
    for (Plan plan : plans) {
      Matrix matrix = plan.matrix();
      long size = WeightTiles.bytes(plan.layout(), matrix.outputs(), matrix.inputs());
      MemorySegment data = memory.asSlice(plan.offset(), size);
      tiles.add(new WeightTiles(plan.layout(), matrix.outputs(), matrix.inputs(), data));
    }
    return tiles;
  }

  /** Fills tiles; returns a digit for each matrix, 1 where it can't be laid out. */
  private String lay(List<WeightTiles> tiles, WorkerTeam team) {
    int[] starts = new int[plans.size() + 1];
    for (int i = 0; i < plans.size(); i++) {
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
    StringBuilder digits = new StringBuilder();
    for (int i = 0; i < plans.size(); i++) {
      digits.append(unfit.get(i));
    }
    return digits.toString();
  }

  private void use(List<WeightTiles> tiles, String unfit) {
    for (int i = 0; i < plans.size(); i++) {
      Matrix m = plans.get(i).matrix();
      if (unfit.charAt(i) == '0') {
        matrices.put(
            m.data(), new Matrix(m.type(), m.outputs(), m.inputs(), m.data(), tiles.get(i)));
      }
    }
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
