package dev.quire.tornado.jvm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.DoubleArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/** One work item: where it is, and what it waits for. */
public final class WorkItem {
  /** What a work item is doing. */
  enum State {
    READY,
    AT_BARRIER,
    IN_WARP,
    DONE
  }

  /** What a warp does together. */
  enum WarpOperation {
    SUM,
    SHUFFLE_DOWN,
    BROADCAST_FIRST
  }

  private static final VarHandle INTS = ValueLayout.JAVA_INT.varHandle();
  private static final VarHandle LONGS = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle INT_ELEMENTS = MethodHandles.arrayElementVarHandle(int[].class);

  private final WorkGroup group;
  private final int linear;
  private final int[] local = new int[3];
  private int localArrays;
  private @Nullable WarpMatrices matrices;
  private @Nullable AsyncCopies copies;

  State state = State.READY;
  @Nullable Coroutine coroutine;
  @Nullable Throwable failure;
  WarpOperation warpOperation = WarpOperation.SUM;
  float warpValue;
  int warpArgument;

  /** The barrier that it waits at, in checked mode. */
  String site = "";

  WorkItem(WorkGroup group, int linear) {
    this.group = group;
    this.linear = linear;
    GridShape shape = group.shape();
    local[0] = linear % shape.local(0);
    local[1] = linear / shape.local(0) % shape.local(1);
    local[2] = linear / shape.local(0) / shape.local(1);
  }

  /** The place in the group. */
  public int local(int dimension) {
    return local[dimension];
  }

  /** The place of the group. */
  public int group(int dimension) {
    return group.position(dimension);
  }

  /** The place among all work items. */
  public int global(int dimension) {
    GridShape shape = group.shape();
    return shape.offset(dimension)
        + group.position(dimension) * shape.local(dimension)
        + local[dimension];
  }

  /** All work items. */
  public int globalSize(int dimension) {
    return group.shape().global(dimension);
  }

  /** Work items of a group. */
  public int localSize(int dimension) {
    return group.shape().local(dimension);
  }

  /** The place in the group in one dimension: x first. */
  int linear() {
    return linear;
  }

  /** Waits for the group. */
  public void barrier() {
    state = State.AT_BARRIER;
    suspend();
  }

  private void suspend() {
    Coroutine own = coroutine;
    if (own == null) {
      throw new IllegalStateException(
          "a barrier or warp operation in a kernel that was taken to have none;"
              + " call them from static methods that the kernel's class file names");
    }
    own.suspend();
  }

  /** A local array of ints. */
  public int[] localInts(int size) {
    return group.memory().get(localArrays++, int[].class, size, Integer.BYTES);
  }

  /** A local array of longs. */
  public long[] localLongs(int size) {
    return group.memory().get(localArrays++, long[].class, size, Long.BYTES);
  }

  /** A local array of floats. */
  public float[] localFloats(int size) {
    return group.memory().get(localArrays++, float[].class, size, Float.BYTES);
  }

  /** A local array of doubles. */
  public double[] localDoubles(int size) {
    return group.memory().get(localArrays++, double[].class, size, Double.BYTES);
  }

  /** A local array of bytes. */
  public byte[] localBytes(int size) {
    return group.memory().get(localArrays++, byte[].class, size, Byte.BYTES);
  }

  /** A local array of halves. */
  public HalfFloat[] localHalfFloats(int size) {
    return group.memory().get(localArrays++, HalfFloat[].class, size, Short.BYTES);
  }

  /** A local array of pairs of halves. */
  public Half2[] localHalf2s(int size) {
    return group.memory().get(localArrays++, Half2[].class, size, Integer.BYTES);
  }

  /** The sum over the warp. */
  public float warpSum(float value) {
    return warp(WarpOperation.SUM, value, 0);
  }

  /** The value of the lane {@code delta} above. */
  public float warpShuffleDown(float value, int delta) {
    return warp(WarpOperation.SHUFFLE_DOWN, value, delta);
  }

  /** The value of the first lane. */
  public float warpBroadcastFirst(float value) {
    return warp(WarpOperation.BROADCAST_FIRST, value, 0);
  }

  private float warp(WarpOperation operation, float value, int argument) {
    warpOperation = operation;
    warpValue = value;
    warpArgument = argument;
    state = State.IN_WARP;
    suspend();
    return warpValue;
  }

  /** The matrix operations of this lane. */
  public WarpMatrices matrices() {
    WarpMatrices own = matrices;
    if (own == null) {
      own = new WarpMatrices(group.warp(linear / Warp.LANES), linear % Warp.LANES, group.watch());
      matrices = own;
    }
    return own;
  }

  /** Adds to an element. */
  public void atomicAdd(IntArray array, int index, int value) {
    INTS.getAndAdd(array.getSegmentWithHeader(), offset(array, index), value);
  }

  /** Adds to an element. */
  public void atomicAdd(int[] array, int index, int value) {
    GroupWatch watch = group.watch();
    if (watch != null) {
      watch.addPlain(array, index);
    }
    INT_ELEMENTS.getAndAdd(array, index, value);
  }

  /** Adds to an element. */
  public void atomicAdd(LongArray array, int index, long value) {
    LONGS.getAndAdd(array.getSegmentWithHeader(), offset(array, index), value);
  }

  /** Adds to an element. */
  public void atomicAdd(FloatArray array, int index, float value) {
    MemorySegment segment = array.getSegmentWithHeader();
    long offset = offset(array, index);
    int seen;
    int wanted;
    do {
      seen = (int) INTS.getVolatile(segment, offset);
      wanted = Float.floatToRawIntBits(Float.intBitsToFloat(seen) + value);
    } while (!INTS.compareAndSet(segment, offset, seen, wanted));
  }

  /** Adds to an element. */
  public void atomicAdd(DoubleArray array, int index, double value) {
    MemorySegment segment = array.getSegmentWithHeader();
    long offset = offset(array, index);
    long seen;
    long wanted;
    do {
      seen = (long) LONGS.getVolatile(segment, offset);
      wanted = Double.doubleToRawLongBits(Double.longBitsToDouble(seen) + value);
    } while (!LONGS.compareAndSet(segment, offset, seen, wanted));
  }

  private long offset(TornadoNativeArray array, int index) {
    GroupWatch watch = group.watch();
    if (watch != null) {
      watch.addNative(array, index);
    }
    return TornadoNativeArray.ARRAY_HEADER
        + (long) Objects.checkIndex(index, array.getSize()) * array.getElementSize();
  }

  /** Starts to copy two halves. */
  public void asyncCopy(int[] target, int targetIndex, HalfFloatArray source, int sourceIndex) {
    copies().start(target, targetIndex, source, sourceIndex);
  }

  /** Starts to copy four bytes. */
  public void asyncCopy(int[] target, int targetIndex, ByteArray source, int sourceIndex) {
    copies().start(target, targetIndex, source, sourceIndex);
  }

  /** Closes a group of copies. */
  public void asyncCommit() {
    copies().commit();
  }

  /** Waits for groups of copies. */
  public void asyncWait(int groups) {
    copies().await(groups);
  }

  private AsyncCopies copies() {
    AsyncCopies own = copies;
    if (own == null) {
      own = new AsyncCopies(group.watch());
      copies = own;
    }
    return own;
  }

  /** Called when the kernel has returned: nothing may be left under way. */
  void finish() {
    if (copies != null) {
      copies.checkNoneUnderWay();
    }
  }
}
