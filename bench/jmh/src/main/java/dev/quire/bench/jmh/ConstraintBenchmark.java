package dev.quire.bench.jmh;

import dev.quire.engine.GgufTokenizerMetadata;
import dev.quire.engine.constrain.Constraint;
import dev.quire.engine.constrain.ConstraintCompiler;
import dev.quire.engine.constrain.ConstraintSpec;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a constraint costs a token: to follow the token that was chosen, and to find the mask of
 * those that may follow it. The texts are random walks through the masks, by the vocabulary of
 * gpt-2 (50 257 tokens) or Llama 2 (32 000); every iteration compiles its constraint anew, so that
 * masks met for the first time are among the samples.
 *
 * <p>Run it in the project's folder; the folder {@code data} holds {@code tokenizers/*.gguf}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
public class ConstraintBenchmark {
  private static final int WALKS = 64;
  private static final int LONGEST = 200;

  @Param("../shared/external")
  private String data = "";

  @Param({"gpt-2", "llama-spm"})
  private String vocabulary = "";

  /** An object of usual fields, a tree of objects (a stack), or any JSON. */
  @Param({"fields", "tree", "json"})
  private String schema = "";

  private @Nullable ConstraintCompiler compiler;
  private final int[][] walks = new int[WALKS][];
  private Constraint.@Nullable Cursor cursor;
  private int walk;
  private int length;
  private long round;

  @Setup(Level.Trial)
  public void load() {
    Path file = Path.of(data, "tokenizers", "ggml-vocab-" + vocabulary + ".gguf");
    try (GgufFile gguf = GgufFile.open(file)) {
      Tokenizer tokenizer = Tokenizer.fromGguf(new GgufTokenizerMetadata(gguf.metadata()));
      compiler = new ConstraintCompiler(tokenizer, tokenizer.vocabularySize());
    }
    Constraint constraint = Objects.requireNonNull(compiler).compile(spec(0));
    Random random = new Random(1);
    for (int i = 0; i < WALKS; i++) {
      walks[i] = walk(constraint, random);
    }
  }

  /** A comment of its own makes a specification new to the compiler, which keeps the latest. */
  private ConstraintSpec spec(long number) {
    String title = "\"title\":\"" + number + "\",";
    return new ConstraintSpec.JsonSchema(
        switch (schema) {
          case "fields" ->
              "{"
                  + title
                  + "\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"
                  + "\"age\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":150},"
                  + "\"mood\":{\"enum\":[\"merry\",\"sad\"]},"
                  + "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":5}},"
                  + "\"required\":[\"name\",\"age\",\"mood\",\"tags\"],\"additionalProperties\":false}";
          case "tree" ->
              "{"
                  + title
                  + "\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"
                  + "\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}},"
                  + "\"required\":[\"name\",\"children\"],\"additionalProperties\":false}";
          default -> "{" + title + "\"type\":\"object\"}";
        });
  }

  private static int[] walk(Constraint constraint, Random random) {
    int[] tokens = new int[LONGEST];
    Constraint.Cursor at = constraint.cursor();
    for (int n = 0; n < LONGEST; n++) {
      long[] mask = at.mask();
      int allowed = Arrays.stream(mask).mapToInt(Long::bitCount).sum();
      if (allowed == 0) {
        return Arrays.copyOf(tokens, n);
      }
      tokens[n] = nth(mask, random.nextInt(allowed));
      at.follow(tokens, 0, n + 1);
    }
    return tokens;
  }

  private static int nth(long[] mask, int n) {
    int left = n;
    for (int token = 0; ; token++) {
      if ((mask[token >>> 6] >>> token & 1) == 1 && left-- == 0) {
        return token;
      }
    }
  }

  @Setup(Level.Iteration)
  public void compile() {
    cursor = Objects.requireNonNull(compiler).compile(spec(++round)).cursor();
    walk = 0;
    length = 0;
  }

  @Benchmark
  public long[] token() {
    int[] tokens = walks[walk];
    if (length >= tokens.length) {
      walk = (walk + 1) % WALKS;
      tokens = walks[walk];
      length = 0;
    }
    Constraint.Cursor at = Objects.requireNonNull(cursor);
    at.follow(tokens, 0, ++length); // fewer than before: starts over
    return at.mask();
  }
}
