package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.quire.engine.exec.StepBatch;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PagedAttentionTest {
  private static final Arithmetic SCALAR = Arithmetic.of(VectorWidth.SCALAR);
  private static final Arithmetic VECTOR = Arithmetic.of(VectorWidth.VECTOR);

  /** A sequence's queries, keys and values, and what came out for it. */
  private record Sequence(int length, float[] q, float[] k, float[] v) {
    static Sequence random(RandomData random, int length, AttentionShape shape) {
      int query = shape.heads() * shape.headSize();
      int key = shape.kvHeads() * shape.headSize();
      return new Sequence(
          length,
          random.floats(length * query),
          random.floats(length * key),
          random.floats(length * key));
    }
  }

  /** Runs a sequence in chunks, next to another one of which the last token rides along. */
  private static float[] run(
      Arithmetic arithmetic,
      int threads,
      AttentionShape shape,
      Sequence a,
      Sequence other,
      int blockSize,
      int chunk,
      long seed) {
    return run(KvType.F32, arithmetic, threads, shape, a, other, blockSize, chunk, seed);
  }

  private static float[] run(
      KvType type,
      Arithmetic arithmetic,
      int threads,
      AttentionShape shape,
      Sequence a,
      Sequence other,
      int blockSize,
      int chunk,
      long seed) {
    int query = shape.heads() * shape.headSize();
    int key = shape.kvHeads() * shape.headSize();
    int stride = Math.ceilDiv(Math.max(a.length, other.length), blockSize);
    int[] order = new RandomData(seed).shuffled(2 * stride);
    float[] result = new float[a.length * query];
    try (Arena arena = Arena.ofShared();
        WorkerTeam team = new WorkerTeam(threads)) {
      KvCache cache =
          KvCache.allocate(arena, type, 2 * stride, blockSize, shape.kvHeads(), shape.headSize());
      for (int p = 0; p < a.length; p++) {
        int slot = order[p / blockSize] * blockSize + p % blockSize;
        cache.store(slot, a.k, p * key, a.v, p * key);
      }
      for (int p = 0; p < other.length; p++) {
        int slot = order[stride + p / blockSize] * blockSize + p % blockSize;
        cache.store(slot, other.k, p * key, other.v, p * key);
      }
      PagedAttention attention = new PagedAttention(team, arithmetic);
      for (int from = 0; from < a.length; from += chunk) {
        int to = Math.min(a.length, from + chunk);
        int n = to - from;
        StepBatch batch = new StepBatch();
        batch.numSequences = 2;
        batch.numTokens = n + 1;
        batch.queryStart = new int[] {0, n, n + 1};
        batch.positions = new int[n + 1];
        for (int i = 0; i < n; i++) {
          batch.positions[i] = from + i;
        }
        batch.positions[n] = other.length - 1;
        batch.contextLengths = new int[] {to, other.length};
        batch.tableStride = new int[] {stride};
        batch.blockTables = new int[][] {order};
        float[] q = new float[(n + 1) * query];
        System.arraycopy(a.q, from * query, q, 0, n * query);
        System.arraycopy(other.q, (other.length - 1) * query, q, n * query, query);
        float[] out = new float[q.length];
        attention.attend(batch, 0, cache, shape, q, out);
        System.arraycopy(out, 0, result, from * query, n * query);
      }
    }
    return result;
  }

  private static double[] reference(AttentionShape shape, Sequence a) {
    int size = shape.headSize();
    double[] out = new double[a.length * shape.heads() * size];
    for (int t = 0; t < a.length; t++) {
      for (int h = 0; h < shape.heads(); h++) {
        int at = (t * shape.heads() + h) * size;
        double total = 0;
        int first = shape.window() == 0 ? 0 : Math.max(0, t - shape.window() + 1);
        for (int p = first; p <= t; p++) {
          int key = (p * shape.kvHeads() + h / shape.groupSize()) * size;
          double score = 0;
          for (int d = 0; d < size; d++) {
            score += (double) a.q[at + d] * a.k[key + d];
          }
          score *= shape.scale();
          if (shape.softCap() != 0) {
            score = shape.softCap() * Math.tanh(score / shape.softCap());
          }
          double weight = Math.exp(score);
          total += weight;
          for (int d = 0; d < size; d++) {
            out[at + d] += weight * a.v[key + d];
          }
        }
        for (int d = 0; d < size; d++) {
          out[at + d] /= total;
        }
      }
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 12, 0, 0",
    "4, 2, 20, 0, 0",
    "6, 1, 40, 0, 5",
    "8, 2, 64, 30, 0",
    "5, 5, 80, 0, 33",
    "4, 1, 96, 2, 17",
    "2, 1, 128, 0, 1",
    "2, 2, 256, 50, 40",
  })
  void agreesWithThePlainFormulaAndDoesNotDependOnBlocksChunksOrWidth(
      int heads, int kvHeads, int headSize, float softCap, int window) {
    AttentionShape shape =
        new AttentionShape(
            heads, kvHeads, headSize, (float) (1 / Math.sqrt(headSize)), softCap, window);
    RandomData random = new RandomData(headSize);
    Sequence a = Sequence.random(random, 75, shape);
    Sequence other = Sequence.random(random, 41, shape);
    float[] first = run(SCALAR, 1, shape, a, other, 16, 75, 1);
    double[] expected = reference(shape, a);
    for (int i = 0; i < first.length; i++) {
      assertThat((double) first[i]).isCloseTo(expected[i], within(2e-5));
    }
    int[] chunks = {1, 7, 32, 75};
    int[] blocks = {1, 24, 16, 48};
    for (int i = 0; i < 4; i++) {
      for (int blockSize : blocks) {
        assertThat(run(VECTOR, 1 + i, shape, a, other, blockSize, chunks[i], blockSize))
            .as("blocks of %d, chunks of %d", blockSize, chunks[i])
            .isEqualTo(first);
      }
      assertThat(run(SCALAR, 2, shape, a, other, blocks[i], chunks[i], 5)).isEqualTo(first);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 6, 1, 40, 5, 2e-3",
    "F16, 8, 2, 64, 0, 2e-3",
    "BF16, 8, 2, 64, 0, 1.5e-2",
    "BF16, 4, 1, 96, 17, 1.5e-2",
    "Q8_0, 8, 2, 64, 0, 5e-2",
    "Q8_0, 5, 5, 80, 33, 5e-2",
    "Q8_0, 2, 2, 32, 0, 5e-2",
  })
  void smallerTypesAreCloseAndDoNotDependOnBlocksChunksOrWidth(
      KvType type, int heads, int kvHeads, int headSize, int window, double tolerance) {
    AttentionShape shape =
        new AttentionShape(heads, kvHeads, headSize, (float) (1 / Math.sqrt(headSize)), 0, window);
    RandomData random = new RandomData(headSize);
    Sequence a = Sequence.random(random, 75, shape);
    Sequence other = Sequence.random(random, 41, shape);
    float[] first = run(type, SCALAR, 1, shape, a, other, 16, 75, 1);
    double[] expected = reference(shape, a);
    for (int i = 0; i < first.length; i++) {
      assertThat((double) first[i]).isCloseTo(expected[i], within(tolerance));
    }
    assertThat(first).isNotEqualTo(run(KvType.F32, SCALAR, 1, shape, a, other, 16, 75, 1));
    int[] chunks = {1, 7, 75};
    int[] blocks = {1, 16, 32};
    for (int i = 0; i < 3; i++) {
      assertThat(run(type, VECTOR, 1 + i, shape, a, other, blocks[i], chunks[i], 5 + i))
          .as("blocks of %d, chunks of %d", blocks[i], chunks[i])
          .isEqualTo(first);
      assertThat(run(type, SCALAR, 2, shape, a, other, blocks[i], chunks[i], 5)).isEqualTo(first);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void copiesWholeBlocks(int blockSize) {
    try (Arena arena = Arena.ofConfined()) {
      KvCache cache = KvCache.allocate(arena, KvType.F32, 3, blockSize, 2, 4);
      float[] k = new RandomData(1).floats(8);
      float[] v = new RandomData(2).floats(8);
      cache.store(blockSize, k, 0, v, 0);
      cache.copyBlock(1, 2);
      long block = KvCache.blockBytes(KvType.F32, blockSize, 2, 4) / 2;
      assertThat(
              cache.keys().asSlice(block, block).mismatch(cache.keys().asSlice(2 * block, block)))
          .isEqualTo(-1);
      assertThat(
              cache
                  .values()
                  .asSlice(block, block)
                  .mismatch(cache.values().asSlice(2 * block, block)))
          .isEqualTo(-1);
    }
  }

  @Test
  void blockBytesCountKeysAndValues() {
    assertThat(KvCache.blockBytes(KvType.F32, 16, 8, 64)).isEqualTo(2L * 4 * 16 * 8 * 64);
    assertThat(KvCache.blockBytes(KvType.F16, 16, 8, 64)).isEqualTo(2L * 2 * 16 * 8 * 64);
    assertThat(KvCache.blockBytes(KvType.Q8_0, 16, 8, 64)).isEqualTo(2L * 68 * 16 * 8);
  }
}
