package dev.quire.bench.jmh;

import dev.quire.engine.GgufTokenizerMetadata;
import dev.quire.tokenizer.PipelineTokenizer;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * Encoding a text of a megabyte with the gpt-2 vocabulary, once, by a tokenizer that has just been
 * made: its word cache is empty. The JIT is warmed on another text, the sources of this project.
 *
 * <p>Run it in the project's folder; the folder {@code data} holds {@code shakespeare.txt} and
 * {@code tokenizers/ggml-vocab-gpt-2.gguf}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 10)
@Fork(value = 2, jvmArgsAppend = "-XX:+UseSerialGC")
public class EncodingBenchmark {
  private static final int WARMING_ROUNDS = 8;

  /** Where the text and the vocabulary are. */
  @Param("../shared/external")
  private String data = "";

  /** Whether words that were merged once are remembered. */
  @Param({"true", "false"})
  private boolean wordCache;

  private String text = "";
  private @Nullable Tokenizer tokenizer;

  @Setup(Level.Trial)
  public void warm() throws IOException {
    text = Files.readString(Path.of(data, "shakespeare.txt"));
    String other = sources();
    for (int i = 0; i < WARMING_ROUNDS; i++) {
      load().encode(other, false, false);
    }
  }

  @Setup(Level.Iteration)
  public void fresh() {
    tokenizer = load();
  }

  /**
   * The same by the thread's own time, which a busy machine lengthens less. JMH prints it for each
   * iteration, and their sum as the score.
   */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.EVENTS)
  public static class Rate {
    public double megabytesPerCpuSecond;
  }

  @Benchmark
  public int[] encode(Rate rate) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadCpuTime();
    int[] ids = Objects.requireNonNull(tokenizer).encode(text, false, false);
    long nanos = threads.getCurrentThreadCpuTime() - before;
    rate.megabytesPerCpuSecond = text.length() * 1e3 / nanos; // the text is ASCII
    return ids;
  }

  private Tokenizer load() {
    try (GgufFile file = GgufFile.open(Path.of(data, "tokenizers", "ggml-vocab-gpt-2.gguf"))) {
      Tokenizer loaded = Tokenizer.fromGguf(new GgufTokenizerMetadata(file.metadata()));
      return !wordCache && loaded instanceof PipelineTokenizer cached
          ? cached.withoutCache()
          : loaded;
    }
  }

  private static String sources() throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(Path.of("."))) {
      List<Path> sources =
          files.filter(file -> file.toString().endsWith(".java")).sorted().limit(600).toList();
      for (Path source : sources) {
        all.append(Files.readString(source));
      }
    }
    return all.toString();
  }
}
