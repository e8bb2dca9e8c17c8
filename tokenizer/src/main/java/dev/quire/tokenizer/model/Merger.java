package dev.quire.tokenizer.model;

import java.util.Arrays;

/**
 * Merges neighbouring symbols of one piece, lowest rank first and leftmost among equals, until none
 * merges. Short pieces are searched in full for each merge; longer ones keep their pairs in a heap,
 * so that a piece of n symbols takes O(n log n).
 *
 * <p>Usage: {@link #clear}, {@link #add} each symbol, {@link #merge}, then read {@link #count},
 * {@link #id}, {@link #start}.
 */
final class Merger {
  /** Up to this many symbols a scan for the best pair is cheaper than a heap. */
  private static final int SCAN_LIMIT = 40;

  private int[] ids = new int[128];
  private int[] starts = new int[129];
  private long[] best = new long[128];
  private int[] next = new int[0];
  private int[] previous = new int[0];
  private long[] heap = new long[0];
  private int heapSize;
  private int count;

  /** Pairs looked up for the heap, and entries taken from it. */
  private long steps;

  void clear() {
    count = 0;
  }

  /** Appends a symbol that starts at byte {@code start}; id -1 if the vocabulary lacks it. */
  void add(int id, int start) {
    if (count == ids.length) {
      int capacity = count * 2;
      ids = Arrays.copyOf(ids, capacity);
      starts = Arrays.copyOf(starts, capacity + 1);
      best = Arrays.copyOf(best, capacity);
    }
    ids[count] = id;
    starts[count++] = start;
  }

  int count() {
    return count;
  }

  int id(int symbol) {
    return ids[symbol];
  }

  /** Where the symbol starts; for symbol = count: where the last one ends. */
  int start(int symbol) {
    return starts[symbol];
  }

  /** Merges the symbols, which cover bytes up to {@code end}. */
  void merge(PairRanks ranks, byte[] bytes, int end) {
    starts[count] = end;
    if (count <= SCAN_LIMIT) {
      mergeByScan(ranks, bytes);
    } else {
      mergeByHeap(ranks, bytes);
    }
  }

  private void mergeByScan(PairRanks ranks, byte[] bytes) {
    int n = count;
    for (int i = 0; i + 1 < n; i++) {
      best[i] = ranks.rank(bytes, starts[i], starts[i + 2], ids[i], ids[i + 1]);
    }
    while (n > 1) {
      int at = 0;
      long lowest = best[0] >>> 32;
      for (int i = 1; i + 1 < n; i++) {
        long rank = best[i] >>> 32;
        if (rank < lowest) {
          lowest = rank;
          at = i;
        }
      }
      if (best[at] == PairRanks.NONE) {
        break;
      }
      ids[at] = (int) best[at];
      int moved = n - at - 2;
      System.arraycopy(ids, at + 2, ids, at + 1, moved);
      System.arraycopy(starts, at + 2, starts, at + 1, moved + 1);
      if (moved > 0) {
        System.arraycopy(best, at + 2, best, at + 1, moved - 1);
      }
      n--;
      if (at > 0) {
        best[at - 1] = ranks.rank(bytes, starts[at - 1], starts[at + 1], ids[at - 1], ids[at]);
      }
      if (at + 1 < n) {
        best[at] = ranks.rank(bytes, starts[at], starts[at + 2], ids[at], ids[at + 1]);
      }
    }
    count = n;
  }

  /** What long pieces took so far: never more than six steps a symbol. */
  long steps() {
    return steps;
  }

  private void mergeByHeap(PairRanks ranks, byte[] bytes) {
    int n = count;
    if (next.length < n + 1) {
      next = new int[ids.length + 1];
      previous = new int[ids.length + 1];
    }
    heapSize = 0;
    for (int i = 0; i < n; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (int i = 0; i < n; i++) {
      offer(ranks, bytes, i);
    }
    while (heapSize > 0) {
      steps++;
      long top = pop();
      int at = (int) top;
      // An entry is stale when its pair has changed since; the newer pair has its own entry.
      if (best[at] == PairRanks.NONE || best[at] >>> 32 != top >>> 32) {
        continue;
      }
      int gone = next[at];
      int after = next[gone];
      ids[at] = (int) best[at];
      best[gone] = PairRanks.NONE;
      next[at] = after;
      if (after < n) {
        previous[after] = at;
      }
      offer(ranks, bytes, at);
      if (previous[at] >= 0) {
        offer(ranks, bytes, previous[at]);
      }
    }
    int kept = 0;
    for (int i = 0; i < n; i = next[i]) {
      ids[kept] = ids[i];
      starts[kept++] = starts[i];
    }
    starts[kept] = starts[n];
    count = kept;
  }

  private void offer(PairRanks ranks, byte[] bytes, int at) {
    steps++;
    int right = next[at];
    if (right >= count) {
      best[at] = PairRanks.NONE;
      return;
    }
    long rank = ranks.rank(bytes, starts[at], starts[next[right]], ids[at], ids[right]);
    best[at] = rank;
    if (rank != PairRanks.NONE) {
      push(rank >>> 32 << 32 | at);
    }
  }

  private void push(long entry) {
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, Math.max(64, heapSize * 2));
    }
    int hole = heapSize++;
    while (hole > 0 && heap[hole - 1 >>> 1] > entry) {
      heap[hole] = heap[hole - 1 >>> 1];
      hole = hole - 1 >>> 1;
    }
    heap[hole] = entry;
  }

  private long pop() {
    long top = heap[0];
    long last = heap[--heapSize];
    int hole = 0;
    int child = 1;
    while (child < heapSize) {
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
      child = 2 * hole + 1;
    }
    heap[hole] = last;
    return top;
  }
}
