package dev.quire.bench.jmh;

import dev.quire.engine.cpu.CpuExecutor;
import dev.quire.engine.cpu.CpuOptions;
import dev.quire.engine.cpu.math.KvType;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.ModelLoader;
import dev.quire.weights.ModelFile;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
 * A step of one token of a whole model at the end of a long context: {@code -p model=FILE}. The
 * context isn't computed, which would take minutes: one block of it is, and copied to all others,
 * so that what a step reads and computes is the same, and what it says isn't.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 4)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "-XX:+UseSerialGC",
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED"
    })
public class DepthBenchmark {
  private static final int BLOCK = 16;

  @Param("")
  public String model = "";

  @Param({"F32", "F16", "Q8_0"})
  public KvType type = KvType.F32;

  @Param({"0", "4096", "32768"})
  public int depth;

  private final StepBatch batch = new StepBatch();
  private @Nullable ModelFile file;
  private @Nullable CpuExecutor executor;

  @Setup(Level.Trial)
  public void fill() {
    ModelFile opened = ModelFile.open(Path.of(model));
    file = opened;
    DecoderModel decoder = ModelLoader.load(opened);
    int groups = decoder.spec().cacheGroups().size();
    int blocks = depth / BLOCK + 1;
    executor =
        new CpuExecutor(
            decoder, CpuOptions.of(BLOCK, Collections.nCopies(groups, blocks)).withKvType(type));
    batch.numSequences = 1;
    batch.blockTables = new int[groups][blocks];
    batch.tableStride = new int[groups];
    batch.slots = new int[groups][BLOCK];
    for (int g = 0; g < groups; g++) {
      batch.tableStride[g] = blocks;
      for (int b = 0; b < blocks; b++) {
        // In no order, as after a while of serving: 7919 is prime, and the others a power of two.
        batch.blockTables[g][b] = b == 0 ? 0 : (int) (1 + b * 7919L % (blocks - 1));
      }
    }
    batch.tokenIds = new int[BLOCK];
    batch.positions = new int[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
      batch.tokenIds[i] = 100 + i;
    }
    tokens(0, BLOCK);
    step();
    copyFirstBlock(groups, blocks);
    tokens(depth, 1);
  }

  /** Tokens from a position on, of which the last one's logits are wanted. */
  private void tokens(int from, int n) {
    batch.numTokens = n;
    batch.queryStart = new int[] {0, n};
    batch.contextLengths = new int[] {from + n};
    for (int i = 0; i < n; i++) {
      batch.positions[i] = from + i;
      for (int g = 0; g < batch.slots.length; g++) {
        int block = batch.blockTables[g][(from + i) / BLOCK];
        batch.slots[g][i] = block * BLOCK + (from + i) % BLOCK;
      }
    }
    batch.logitsRows = new int[] {n - 1};
    batch.numLogitsRows = 1;
  }

  private void copyFirstBlock(int groups, int blocks) {
    int copies = groups * (blocks - 1);
    batch.copyGroup = new int[copies];
    batch.copySource = new int[copies];
    batch.copyDestination = new int[copies];
    for (int c = 0; c < copies; c++) {
      batch.copyGroup[c] = c % groups;
      batch.copyDestination[c] = 1 + c / groups;
    }
    batch.numCopies = copies;
    step();
    batch.numCopies = 0;
  }

  @TearDown(Level.Trial)
  public void close() {
    Objects.requireNonNull(executor).close();
    Objects.requireNonNull(file).close();
  }

  /** {@link CpuExecutor#submit} returns when the step is computed. */
  @Benchmark
  public float[] step() {
    return Objects.requireNonNull(executor).submit(batch).awaitLogits();
  }
}
