package dev.quire.tornado.jvm;

import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A work item's asynchronous copies of 4 bytes each. They reach local memory no sooner than the
 * wait that covers them, so that a missing wait shows.
 */
final class AsyncCopies {
  private static final int BYTES = 4;

  private record Copy(
      int[] target, int index, TornadoNativeArray source, int sourceIndex, int value) {}

  private final @Nullable GroupWatch watch;
  private List<Copy> open = new ArrayList<>();
  private final ArrayDeque<List<Copy>> committed = new ArrayDeque<>();

  AsyncCopies(@Nullable GroupWatch watch) {
    this.watch = watch;
  }

  void start(int[] target, int targetIndex, TornadoNativeArray source, int sourceIndex) {
    int elements = BYTES / source.getElementSize();
    if (watch != null) {
      watch.loadNative(source, sourceIndex, elements);
      watch.copyStarts(target, targetIndex);
    }
    Objects.checkIndex(targetIndex, target.length);
    Objects.checkFromIndexSize(sourceIndex, elements, source.getSize());
    if (sourceIndex % elements != 0) {
      throw new IllegalArgumentException(
          "an asynchronous copy from element "
              + sourceIndex
              + " is not aligned to its "
              + BYTES
              + " bytes");
    }
    open.add(new Copy(target, targetIndex, source, sourceIndex, value(source, sourceIndex)));
  }

  private static int value(TornadoNativeArray source, int index) {
    long offset = TornadoNativeArray.ARRAY_HEADER + (long) index * source.getElementSize();
    return source.getSegmentWithHeader().get(ValueLayout.JAVA_INT_UNALIGNED, offset);
  }

  void commit() {
    committed.addLast(open);
    open = new ArrayList<>();
  }

  void await(int groups) {
    while (committed.size() > groups) {
      for (Copy copy : committed.removeFirst()) {
        if (watch != null) {
          boolean changed = value(copy.source, copy.sourceIndex) != copy.value;
          watch.copyArrives(copy.target, copy.index, copy.source, copy.sourceIndex, changed);
        }
        copy.target[copy.index] = copy.value;
      }
    }
  }

  void checkNoneUnderWay() {
    int pending = open.size() + committed.stream().mapToInt(List::size).sum();
    if (pending > 0) {
      throw new IllegalStateException(
          pending + " asynchronous copies are still under way when the work item ends");
    }
  }
}
