package dev.quire.bench.jmh;

import dev.quire.bench.kernels.KernelCases;
import dev.quire.bench.kernels.KernelGraph;
import dev.quire.bench.kernels.Scale;
import dev.quire.engine.tornado.TornadoExecutor;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A launch of a kernel, of eight in a graph: on the JVM as it stands, on a GPU by {@code
 * java @$TORNADOVM_HOME/tornado-argfile -cp benchmarks.jar org.openjdk.jmh.Main KernelBenchmark},
 * whose flags the forks inherit. There {@code -p scale=full -p "kernel=…"} takes the names that
 * {@code quire bench kernels --list --scale full} prints. An execution's own time, some 50 µs on a
 * GPU, is part of it; {@code quire bench kernels} takes it off.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-exports=java.base/jdk.internal.vm=ALL-UNNAMED")
public class KernelBenchmark {
  private static final int LAUNCHES = 8;

  @Param("tiny")
  private String scale = "";

  @Param({
    "MatrixVector tiny 64x96",
    "MatrixVector-gated tiny 64x96",
    "MatrixVector-Q8/4 tiny 64x96",
    "MatrixVector-Q8/8 tiny 64x96",
    "MatrixVector-Q8/16 tiny 64x96",
    "MatrixVector-gated-Q8/2 tiny 64x96",
    "MatrixVector-gated-Q8/4 tiny 64x96",
    "MatrixVector-gated-Q8/8 tiny 64x96",
    "MatrixVector-normed-Q8 tiny 64x96",
    "MatrixVector-normed-gated-Q8 tiny 64x96",
    "MatrixVector-added-Q8 tiny 64x96",
    "Dots-Q8/8x1 tiny 64x96",
    "Dots-added-Q8/8x1 tiny 64x96",
    "Dots-normed-Q8/8x1 tiny 64x96",
    "Dots-Q8/8x2 tiny 64x96",
    "Dots-added-Q8/8x2 tiny 64x96",
    "Dots-normed-Q8/8x2 tiny 64x96",
    "Dots-normed-gated-Q8/8x2 tiny 64x96",
    "Dots-Q8/2x8 tiny 64x96",
    "Dots-added-Q8/2x8 tiny 64x96",
    "Dots-normed-Q8/2x8 tiny 64x96",
    "Dots-normed-gated-Q8/2x8 tiny 64x96",
    "MatrixVector-Q4 tiny 64x96",
    "MatrixVector-gated-Q4 tiny 64x96",
    "MatrixVector tiny 64x256",
    "MatrixVector-gated tiny 64x256",
    "MatrixVector-shared tiny 64x256",
    "MatrixVector-shared-gated tiny 64x256",
    "MatrixVector-shared-normed tiny 64x256",
    "MatrixVector-shared-normed-gated tiny 64x256",
    "MatrixVector-shared-added tiny 64x256",
    "MatrixVector-Q8/4 tiny 64x256",
    "MatrixVector-Q8/8 tiny 64x256",
    "MatrixVector-Q8/16 tiny 64x256",
    "MatrixVector-gated-Q8/2 tiny 64x256",
    "MatrixVector-gated-Q8/4 tiny 64x256",
    "MatrixVector-gated-Q8/8 tiny 64x256",
    "MatrixVector-normed-Q8 tiny 64x256",
    "MatrixVector-normed-gated-Q8 tiny 64x256",
    "MatrixVector-added-Q8 tiny 64x256",
    "Dots-Q8/8x1 tiny 64x256",
    "Dots-added-Q8/8x1 tiny 64x256",
    "Dots-normed-Q8/8x1 tiny 64x256",
    "Dots-Q8/8x2 tiny 64x256",
    "Dots-added-Q8/8x2 tiny 64x256",
    "Dots-normed-Q8/8x2 tiny 64x256",
    "Dots-normed-gated-Q8/8x2 tiny 64x256",
    "Dots-Q8/2x8 tiny 64x256",
    "Dots-added-Q8/2x8 tiny 64x256",
    "Dots-normed-Q8/2x8 tiny 64x256",
    "Dots-normed-gated-Q8/2x8 tiny 64x256",
    "MatrixVector-Q4 tiny 64x256",
    "MatrixVector-gated-Q4 tiny 64x256",
    "SkinnyQuads tiny 64x5x96",
    "SkinnyQuads/2 tiny 64x5x96",
    "SkinnyProduct-Q8 tiny 64x5x96",
    "SkinnyProduct-Q4 tiny 64x5x96",
    "SkinnyQuads tiny 64x5x512",
    "SkinnyQuads/2 tiny 64x5x512",
    "SkinnyProduct-Q8 tiny 64x5x512",
    "SkinnyDeep-Q8 tiny 64x5x512",
    "SkinnyProduct-Q4 tiny 64x5x512",
    "SkinnyDeep-Q4 tiny 64x5x512",
    "TiledQuads-gated tiny 64x48x96",
    "WideQuads-gated tiny 64x48x96",
    "BroadQuads-gated tiny 64x48x96",
    "MediumQuads tiny 64x48x96",
    "MediumQuads/2 tiny 64x48x96",
    "WideQuads tiny 64x48x96",
    "WideQuads/2 tiny 64x48x96",
    "BroadQuads tiny 64x48x96",
    "BroadQuads/2 tiny 64x48x96",
    "TiledQuads tiny 64x48x96",
    "TiledQuads/2 tiny 64x48x96",
    "TiledProduct-Q8 tiny 64x48x96",
    "TiledProduct-Q4 tiny 64x48x96",
    "NaiveProduct tiny 64x48x96",
    "NaiveProduct-tiled tiny 64x48x96",
    "LeanQuads-gated tiny 64x20x512",
    "LeanQuads tiny 64x20x512",
    "LeanQuads/2 tiny 64x20x512",
    "MediumQuads tiny 64x20x512",
    "MediumQuads/2 tiny 64x20x512",
    "LeanDeep-Q8 tiny 64x20x512",
    "MediumDeep-Q8 tiny 64x20x512",
    "MediumQuads tiny 64x40x512",
    "MediumQuads/2 tiny 64x40x512",
    "MediumDeep-Q8 tiny 64x40x512",
    "MatrixVector-BF16 tiny 64x96",
    "TiledProduct-BF16 tiny 64x20x96",
    "PagedAttention tiny 2x64 block 8",
    "PagedAttention tiny 2x64 block 16",
    "ContiguousAttention tiny 2x64",
    "FusedAttention tiny 1x64 block 16",
    "ChunkAttention tiny 32",
    "RmsNorm-add 3x64",
    "SiluMultiply 3x96",
    "RotaryCache 3x256",
    "Argmax 2x500",
    "Sampling-top-k 2x500",
    "Sampling-all 2x500",
    "BlockCopy 4 blocks of 256",
    "Embedding 3x64",
    "GeluMultiply 3x64",
    "SandwichNorm 3x64",
    "HeadNorm 3x64 heads of 32",
    "PartSums of 4 3x64",
    "Rows.finishLogits 3x500",
    "Router 3 rows, 2 of 4 of 32x64",
    "Experts 3 rows, 2 of 4 of 32x64",
    "Experts-Q8 3 rows, 2 of 4 of 32x64",
    "Experts-Q4 3 rows, 2 of 4 of 32x64",
    "RowAttention any head 3x40 heads of 32",
    "BlockSwap out 4 blocks of 256",
    "BlockSwap in 4 blocks of 256",
    "StepScatter 5 rows",
    "Rows.gather 3x64",
    "Probe the end of 1000",
    "TilePacker 24x96",
    "TilePacker-BF16 24x96",
    "QuantTiles.unpack 24x96",
    "NibbleTiles.unpack 24x96"
  })
  private String kernel = "";

  private @Nullable KernelGraph graph;

  /** Sends the arrays and compiles. */
  @Setup(Level.Trial)
  public void start() {
    Scale size = Scale.valueOf(scale.toUpperCase(Locale.ROOT));
    graph =
        new KernelGraph(KernelCases.work(size, kernel), LAUNCHES, TornadoExecutor.onTornadoVm());
  }

  /** One execution of the graph. */
  @Benchmark
  @OperationsPerInvocation(LAUNCHES)
  public void launch() {
    if (graph != null) {
      graph.execute();
    }
  }

  /** Frees the device. */
  @TearDown(Level.Trial)
  public void end() {
    if (graph != null) {
      graph.close();
    }
  }
}
