package dev.quire.engine.sample;

import java.util.Arrays;

/**
 * Tokens still in play, with a value each, best first: greater value, then smaller id. Offers what
 * truncation needs without sorting a whole vocabulary.
 */
final class Candidates {
  int[] ids = new int[256];
  double[] values = new double[256];
  int size;

  void clear() {
    size = 0;
  }

  void add(int id, double value) {
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, size * 2);
      values = Arrays.copyOf(values, size * 2);
    }
    ids[size] = id;
    values[size++] = value;
  }

  private boolean better(int a, int b) {
    return values[a] > values[b] || (values[a] == values[b] && ids[a] < ids[b]);
  }

  private void swap(int a, int b) {
    int id = ids[a];
    ids[a] = ids[b];
    ids[b] = id;
    double value = values[a];
    values[a] = values[b];
    values[b] = value;
  }

  /** Makes a heap with the best on top, to be taken off by {@link #sinkBest}. */
  void heapify() {
    for (int i = size / 2 - 1; i >= 0; i--) {
      sift(i, size, true);
    }
  }

  /**
   * Moves the best of the first {@code heapSize} candidates, a heap, to place {@code heapSize − 1};
   * the others stay a heap.
   */
  void sinkBest(int heapSize) {
    swap(0, heapSize - 1);
    sift(0, heapSize - 1, true);
  }

  /** Adds a candidate to the best {@code k} so far, a heap with the worst of them on top. */
  void offer(int id, double value, int k) {
    if (size < k) {
      add(id, value);
      if (size == k) {
        for (int i = k / 2 - 1; i >= 0; i--) {
          sift(i, k, false);
        }
      }
    } else if (value > values[0] || (value == values[0] && id < ids[0])) {
      ids[0] = id;
      values[0] = value;
      sift(0, k, false);
    }
  }

  private void sift(int from, int heapSize, boolean bestOnTop) {
    int parent = from;
    while (true) {
      int top = parent;
      int left = 2 * parent + 1;
      if (left < heapSize && better(left, top) == bestOnTop) {
        top = left;
      }
      if (left + 1 < heapSize && better(left + 1, top) == bestOnTop) {
        top = left + 1;
      }
      if (top == parent) {
        return;
      }
      swap(parent, top);
      parent = top;
    }
  }

  /** Sorts all, best first. */
  void sort() {
    heapify();
    for (int heap = size; heap > 1; heap--) {
      sinkBest(heap);
    }
    keepSunk(size);
  }

  /** Keeps the {@code count} that {@link #sinkBest} took off, best first, and drops the rest. */
  void keepSunk(int count) {
    for (int i = 0, j = size - 1; i < j; i++, j--) {
      swap(i, j);
    }
    size = count;
  }
}
