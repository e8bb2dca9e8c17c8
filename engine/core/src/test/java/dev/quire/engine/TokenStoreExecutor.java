package dev.quire.engine;

import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An executor whose cache stores token ids and whose logits are a hash of the context, read back
 * through the block tables: a wrong table, slot or copy changes what is generated.
 */
final class TokenStoreExecutor implements ModelExecutor {
  private final int vocabulary;
  private final int blockSize;
  private final int[] store;
  private final int[] host;
  private final @Nullable CountDownLatch gate;
  // Of all steps so far.
  final AtomicInteger copies = new AtomicInteger();
  final AtomicInteger swappedOut = new AtomicInteger();
  final AtomicInteger swappedIn = new AtomicInteger();
  volatile boolean failsNext;
  volatile @Nullable Consumer<StepBatch> watcher;
  volatile boolean closed;

  TokenStoreExecutor(
      int vocabulary, int blockSize, int blocks, int hostBlocks, @Nullable CountDownLatch gate) {
    this.host = new int[hostBlocks * blockSize];
    this.vocabulary = vocabulary;
    this.blockSize = blockSize;
    this.store = new int[blocks * blockSize];
    this.gate = gate;
    Arrays.fill(store, -1);
  }

  /** The logits after a context, from nothing but its tokens. */
  static float logit(long contextHash, int token) {
    long z = contextHash + token * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return (float) (((z ^ (z >>> 31)) >>> 40) * 0x1.0p-24 * 8);
  }

  static long hash(long before, int token) {
    return (before ^ token) * 0x100000001B3L + 0x51_7C_C1_B7L;
  }

  /** The greedy continuation, computed without any cache. */
  static int[] greedy(int[] prompt, int count, int vocabulary) {
    long hash = 7;
    for (int token : prompt) {
      hash = hash(hash, token);
    }
    int[] result = new int[count];
    for (int i = 0; i < count; i++) {
      int best = 0;
      for (int t = 1; t < vocabulary; t++) {
        best = logit(hash, t) > logit(hash, best) ? t : best;
      }
      result[i] = best;
      hash = hash(hash, best);
    }
    return result;
  }

  @Override
  public int vocabularySize() {
    return vocabulary;
  }

  @Override
  public StepHandle submit(StepBatch batch) {
    if (gate != null) {
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    if (failsNext) {
      failsNext = false;
      throw new IllegalStateException("device lost");
    }
    Consumer<StepBatch> watching = watcher;
    if (watching != null) {
      watching.accept(batch);
    }
    move(store, batch.swapOutSource, host, batch.swapOutDestination, batch.numSwapOuts);
    move(host, batch.swapInSource, store, batch.swapInDestination, batch.numSwapIns);
    move(store, batch.copySource, store, batch.copyDestination, batch.numCopies);
    swappedOut.addAndGet(batch.numSwapOuts);
    swappedIn.addAndGet(batch.numSwapIns);
    copies.addAndGet(batch.numCopies);
    for (int t = 0; t < batch.numTokens; t++) {
      store[batch.slots[0][t]] = batch.tokenIds[t];
    }
    float[] logits = new float[batch.numLogitsRows * vocabulary];
    int row = 0;
    for (int s = 0; s < batch.numSequences; s++) {
      for (; row < batch.numLogitsRows && batch.logitsRows[row] < batch.queryStart[s + 1]; row++) {
        long hash = context(batch, s, batch.positions[batch.logitsRows[row]]);
        for (int t = 0; t < vocabulary; t++) {
          logits[row * vocabulary + t] = logit(hash, t);
        }
      }
    }
    return () -> logits;
  }

  private void move(int[] from, int[] sources, int[] to, int[] destinations, int count) {
    for (int i = 0; i < count; i++) {
      System.arraycopy(from, sources[i] * blockSize, to, destinations[i] * blockSize, blockSize);
    }
  }

  @Override
  public int hostBlocks(int group) {
    return host.length / blockSize;
  }

  private long context(StepBatch batch, int sequence, int lastPosition) {
    long hash = 7;
    for (int p = 0; p <= lastPosition; p++) {
      int block = batch.blockTables[0][sequence * batch.tableStride[0] + p / blockSize];
      int token = store[block * blockSize + p % blockSize];
      if (token < 0) {
        throw new IllegalStateException("position " + p + " was never written");
      }
      hash = hash(hash, token);
    }
    return hash;
  }

  @Override
  public long blockBytes(int group) {
    return (long) blockSize * Integer.BYTES;
  }

  @Override
  public String describe() {
    return "token store";
  }

  @Override
  public void close() {
    closed = true;
  }
}
