package dev.quire.bench.jmh;

import dev.quire.engine.cpu.math.Arithmetic;
import dev.quire.engine.cpu.math.AttentionShape;
import dev.quire.engine.cpu.math.KvCache;
import dev.quire.engine.cpu.math.KvType;
import dev.quire.engine.cpu.math.PagedAttention;
import dev.quire.engine.cpu.math.VectorWidth;
import dev.quire.engine.cpu.math.WorkerTeam;
import dev.quire.engine.exec.StepBatch;
import java.lang.foreign.Arena;
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
 * Attention of one layer of Llama-3.2-1B (32 heads, 8 key heads of 64) over block tables: one token
 * that sees the whole context, or the context's last tokens as a prompt's chunk. Blocks lie in no
 * order, as after a while of serving.
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
public class AttentionBenchmark {
  private static final AttentionShape SHAPE = new AttentionShape(32, 8, 64, 0.125f, 0, 0);
  private static final int BLOCK = 16;

  @Param KvType type = KvType.F32;

  @Param({"4096", "32768"})
  int context = 4096;

  @Param({"1", "128"})
  int tokens = 1;

  @Param({"1", "2"})
  int threads = 1;

  private final Arena arena = Arena.ofShared();
  private final StepBatch batch = new StepBatch();
  private float[] q = {};
  private float[] out = {};
  private WorkerTeam team = new WorkerTeam(1);
  private PagedAttention attention = new PagedAttention(team, Arithmetic.of(VectorWidth.SCALAR));
  private KvCache cache = KvCache.allocate(arena, KvType.F32, 0, BLOCK, 8, 64);

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
    int blocks = context / BLOCK;
    cache = KvCache.allocate(arena, type, blocks, BLOCK, SHAPE.kvHeads(), SHAPE.headSize());
    float[] vector = new float[SHAPE.kvHeads() * SHAPE.headSize()];
    for (int slot = 0; slot < context; slot++) {
      for (int i = 0; i < vector.length; i++) {
        vector[i] = random.nextFloat() - 0.5f;
      }
      cache.store(slot, vector, 0, vector, 0);
    }
    batch.numSequences = 1;
    batch.numTokens = tokens;
    batch.queryStart = new int[] {0, tokens};
    batch.contextLengths = new int[] {context};
    batch.positions = new int[tokens];
    for (int t = 0; t < tokens; t++) {
      batch.positions[t] = context - tokens + t;
    }
    int[] table = new int[blocks];
    for (int b = 0; b < blocks; b++) {
      table[b] = (int) (b * 7919L % blocks); // 7919 is prime and blocks a power of two
    }
    batch.tableStride = new int[] {blocks};
    batch.blockTables = new int[][] {table};
    q = new float[tokens * SHAPE.heads() * SHAPE.headSize()];
    for (int i = 0; i < q.length; i++) {
      q[i] = random.nextFloat() - 0.5f;
    }
    out = new float[q.length];
    team = new WorkerTeam(threads);
    attention = new PagedAttention(team, Arithmetic.of(VectorWidth.VECTOR));
  }

  @TearDown(Level.Trial)
  public void close() {
    team.close();
    arena.close();
  }

  @Benchmark
  public float[] attend(Rates rates) {
    attention.attend(batch, 0, cache, SHAPE, q, out);
    rates.gigabytes += (double) KvCache.blockBytes(type, context, 8, 64) / 1e9;
    rates.gigaflops += 4e-9 * tokens * (context - tokens / 2.0) * SHAPE.heads() * SHAPE.headSize();
    return out;
  }
}
