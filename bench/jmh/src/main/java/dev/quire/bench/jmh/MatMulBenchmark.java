package dev.quire.bench.jmh;

import dev.quire.engine.cpu.math.Arithmetic;
import dev.quire.engine.cpu.math.MatMul;
import dev.quire.engine.cpu.math.Matrix;
import dev.quire.engine.cpu.math.VectorWidth;
import dev.quire.engine.cpu.math.WeightPacking;
import dev.quire.engine.cpu.math.WorkerTeam;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Products of weights [32768, 2048] and some rows, in the ways that the CPU path has or had, on one
 * thread: weights laid out, with activations as integers or as floats; rows as they lie in the
 * file; plain loops; and ggml's algorithm, a row's blocks by one row's. {@link #read} is the limit
 * for one row: a loop of nothing but loads over the same bytes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "-XX:+UseSerialGC",
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED"
    })
public class MatMulBenchmark {
  private static final int INPUTS = 2048;
  private static final int OUTPUTS = 32768;

  /** How a product is made. */
  public enum Way {
    INTEGERS,
    FLOATS,
    FROM_FILE,
    SCALAR,
    BLOCK_BY_BLOCK
  }

  /** The weights' type; {@link Way#BLOCK_BY_BLOCK} has Q8_0 alone. */
  @Param({"Q8_0", "Q4_0", "Q4_K", "Q6_K", "F16", "BF16"})
  private TensorType type = TensorType.Q8_0;

  @Param({"1", "4", "16", "32", "128"})
  private int rows;

  @Param private Way way = Way.INTEGERS;

  private final Arena arena = Arena.ofShared();
  private final WorkerTeam team = new WorkerTeam(1);
  private MemorySegment data = MemorySegment.NULL;
  private float[] x = {};
  private float[] out = {};
  private MatMul matMul = new MatMul(team, Arithmetic.of(VectorWidth.SCALAR));
  private Matrix matrix = new Matrix(TensorType.F32, 0, 0, data);
  private BlockDot blockDot = new BlockDot(x, 0);

  /** What an operation reads and computes, a second. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Rates {
    public double gigabytes;
    public double gigaflops;
  }

  @Setup(Level.Trial)
  public void fill() {
    Random random = new Random(1);
    long rowBytes = type.bytesFor(INPUTS);
    data = arena.allocate(rowBytes * OUTPUTS, 64);
    float[] row = new float[INPUTS];
    for (int i = 0; i < INPUTS; i++) {
      row[i] = (float) random.nextGaussian();
    }
    type.codec().encode(row, 0, data, 0, INPUTS);
    for (int o = 1; o < OUTPUTS; o++) {
      MemorySegment.copy(data, 0, data, o * rowBytes, rowBytes);
    }
    x = new float[rows * INPUTS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    out = new float[rows * OUTPUTS];
    Tensor tensor = new Tensor("weights", type, new long[] {OUTPUTS, INPUTS}, data);
    WeightPacking packing = new WeightPacking();
    Arithmetic arithmetic =
        Arithmetic.of(way == Way.SCALAR ? VectorWidth.SCALAR : VectorWidth.VECTOR);
    if (way != Way.FROM_FILE) {
      packing.announce(tensor);
      packing.pack(team, arena, arithmetic, null);
    }
    matrix = packing.of(tensor);
    matMul = new MatMul(team, arithmetic, way != Way.INTEGERS && way != Way.SCALAR);
    blockDot = new BlockDot(x, INPUTS);
  }

  @TearDown(Level.Trial)
  public void close() {
    team.close();
    arena.close();
  }

  @Benchmark
  public float[] multiply(Rates rates) {
    if (way == Way.BLOCK_BY_BLOCK) {
      if (type != TensorType.Q8_0) {
        throw new IllegalArgumentException("BLOCK_BY_BLOCK multiplies Q8_0 alone");
      }
      for (int r = 0; r < rows; r++) {
        blockDot.multiply(data, OUTPUTS, r, out);
      }
    } else {
      matMul.multiply(matrix, x, rows, out);
    }
    rates.gigabytes += data.byteSize() / 1e9;
    rates.gigaflops += 2e-9 * rows * INPUTS * OUTPUTS;
    return out;
  }

  /** The limit for one row; the other parameters don't matter. */
  @Benchmark
  public int read(Rates rates) {
    rates.gigabytes += data.byteSize() / 1e9;
    return BlockDot.read(data);
  }
}
