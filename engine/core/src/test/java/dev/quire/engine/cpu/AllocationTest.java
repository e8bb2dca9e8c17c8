package dev.quire.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.quire.engine.EmbeddedModel;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.ModelLoader;
import dev.quire.weights.GgufFile;
import java.lang.management.ManagementFactory;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A step allocates nothing: not a closure, not a list, and no vector, which C2 keeps in registers
 * once it has compiled the loops. Until then they are objects by the million, so the test waits.
 */
class AllocationTest {
  private static final ThreadMXBean THREADS =
      ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
  private static final int BLOCK_SIZE = 16;
  private static final int CONTEXT = 256;
  private static final int STEPS = 100;
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  /** Of a step, by each thread: less than an object. */
  private static final long MOST_BYTES = 8;

  @ParameterizedTest
  @CsvSource({"1, 1, false", "1, 2, false", "6, 2, false", "1, 1, true"})
  void aStepAllocatesNothing(int sequences, int threads, boolean exact) {
    GgufFile file = EmbeddedModel.open();
    DecoderModel model = ModelLoader.load(file);
    int blocks = sequences * CONTEXT / BLOCK_SIZE;
    List<Integer> groups = Collections.nCopies(model.spec().cacheGroups().size(), blocks);
    var options = CpuOptions.of(BLOCK_SIZE, groups).withThreads(threads).withExact(exact);
    try (var executor = new CpuExecutor(model, options)) {
      StepBatch batch = batch(sequences);
      long[] team = team();
      long start = System.nanoTime();
      long bytes = Long.MAX_VALUE;
      while (bytes > MOST_BYTES * STEPS && System.nanoTime() - start < PATIENCE_NANOS) {
        long before = allocated(team);
        for (int i = 0; i < STEPS; i++) {
          move(batch, i % CONTEXT);
          executor.submit(batch).awaitLogits();
        }
        bytes = allocated(team) - before;
      }
      assertThat(bytes / (double) STEPS).isLessThanOrEqualTo(MOST_BYTES);
    } finally {
      file.close();
    }
  }

  /** This thread, which is the team's first, and the others. */
  private static long[] team() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t == Thread.currentThread() || t.getName().startsWith("quire-worker"))
        .mapToLong(Thread::threadId)
        .toArray();
  }

  private static long allocated(long[] team) {
    long bytes = 0;
    for (long thread : team) {
      bytes += THREADS.getThreadAllocatedBytes(thread);
    }
    return bytes;
  }

  /** One token of each sequence. */
  private static StepBatch batch(int sequences) {
    int stride = CONTEXT / BLOCK_SIZE;
    StepBatch batch = new StepBatch();
    batch.numSequences = sequences;
    batch.numTokens = sequences;
    batch.numLogitsRows = sequences;
    batch.tokenIds = new int[sequences];
    batch.positions = new int[sequences];
    batch.contextLengths = new int[sequences];
    batch.queryStart = new int[sequences + 1];
    batch.logitsRows = new int[sequences];
    batch.slots = new int[1][sequences];
    batch.blockTables = new int[1][sequences * stride];
    batch.tableStride = new int[] {stride};
    for (int s = 0; s < sequences; s++) {
      batch.queryStart[s + 1] = s + 1;
      batch.logitsRows[s] = s;
      for (int i = 0; i < stride; i++) {
        batch.blockTables[0][s * stride + i] = s * stride + i;
      }
    }
    return batch;
  }

  private static void move(StepBatch batch, int position) {
    for (int s = 0; s < batch.numSequences; s++) {
      batch.tokenIds[s] = 3 + (position + s) % 1000;
      batch.positions[s] = position;
      batch.contextLengths[s] = position + 1;
      batch.slots[0][s] = s * CONTEXT + position;
    }
  }
}
