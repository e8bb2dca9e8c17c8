package uk.ac.manchester.tornado.api;

import dev.quire.tornado.jvm.WorkItem;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.DoubleArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * A work item's view of its place, its group and its warp. A kernel gets one as its first argument;
 * one made by hand only stands for it in {@code TaskGraph.task}.
 */
public class KernelContext implements ExecutionContext {
  /** Place among all work items, x. */
  public final Integer globalIdx;

  /** Place among all work items, y. */
  public final Integer globalIdy;

  /** Place among all work items, z. */
  public final Integer globalIdz;

  /** Place of the group, x. */
  public final Integer groupIdx;

  /** Place of the group, y. */
  public final Integer groupIdy;

  /** Place of the group, z. */
  public final Integer groupIdz;

  /** Place in the group, x. */
  public final Integer localIdx;

  /** Place in the group, y. */
  public final Integer localIdy;

  /** Place in the group, z. */
  public final Integer localIdz;

  /** All work items, x. */
  public final Integer globalGroupSizeX;

  /** All work items, y. */
  public final Integer globalGroupSizeY;

  /** All work items, z. */
  public final Integer globalGroupSizeZ;

  /** Work items of a group, x. */
  public final Integer localGroupSizeX;

  /** Work items of a group, y. */
  public final Integer localGroupSizeY;

  /** Work items of a group, z. */
  public final Integer localGroupSizeZ;

  private final @Nullable WorkItem item;

  /** A stand-in, to be named as a task's argument. */
  public KernelContext() {
    item = null;
    globalIdx = 0;
    globalIdy = 0;
    globalIdz = 0;
    groupIdx = 0;
    groupIdy = 0;
    groupIdz = 0;
    localIdx = 0;
    localIdy = 0;
    localIdz = 0;
    globalGroupSizeX = 0;
    globalGroupSizeY = 0;
    globalGroupSizeZ = 0;
    localGroupSizeX = 0;
    localGroupSizeY = 0;
    localGroupSizeZ = 0;
  }

  KernelContext(WorkItem item) {
    this.item = item;
    globalIdx = item.global(0);
    groupIdx = item.group(0);
    localIdx = item.local(0);
    globalGroupSizeX = item.globalSize(0);
    localGroupSizeX = item.localSize(0);
    globalIdy = item.global(1);
    groupIdy = item.group(1);
    localIdy = item.local(1);
    globalGroupSizeY = item.globalSize(1);
    localGroupSizeY = item.localSize(1);
    globalIdz = item.global(2);
    groupIdz = item.group(2);
    localIdz = item.local(2);
    globalGroupSizeZ = item.globalSize(2);
    localGroupSizeZ = item.localSize(2);
  }

  private WorkItem item() {
    if (item == null) {
      throw new IllegalStateException(
          "this kernel context belongs to no work item: only a task's kernel may call it");
    }
    return item;
  }

  @Override
  public void localBarrier() {
    item().barrier();
  }

  @Override
  public void globalBarrier() {
    item().barrier();
  }

  @Override
  public int[] allocateIntLocalArray(int size) {
    return item().localInts(size);
  }

  @Override
  public long[] allocateLongLocalArray(int size) {
    return item().localLongs(size);
  }

  @Override
  public float[] allocateFloatLocalArray(int size) {
    return item().localFloats(size);
  }

  @Override
  public double[] allocateDoubleLocalArray(int size) {
    return item().localDoubles(size);
  }

  @Override
  public byte[] allocateByteLocalArray(int size) {
    return item().localBytes(size);
  }

  @Override
  public HalfFloat[] allocateHalfFloatLocalArray(int size) {
    return item().localHalfFloats(size);
  }

  @Override
  public Half2[] allocateHalf2LocalArray(int size) {
    return item().localHalf2s(size);
  }

  /** The sum over the 32 lanes of the warp, in every lane. */
  public float simdSum(float val) {
    return item().warpSum(val);
  }

  /** The value of the lane {@code delta} above, or the own one past the end of the warp. */
  public float simdShuffleDown(float val, int delta) {
    return item().warpShuffleDown(val, delta);
  }

  /** The value of the warp's first lane. */
  public float simdBroadcastFirst(float val) {
    return item().warpBroadcastFirst(val);
  }

  @Override
  public void atomicAdd(IntArray array, int index, int val) {
    item().atomicAdd(array, index, val);
  }

  @Override
  public void atomicAdd(int[] array, int index, int val) {
    item().atomicAdd(array, index, val);
  }

  @Override
  public void atomicAdd(LongArray array, int index, long val) {
    item().atomicAdd(array, index, val);
  }

  @Override
  public void atomicAdd(FloatArray array, int index, float val) {
    item().atomicAdd(array, index, val);
  }

  @Override
  public void atomicAdd(DoubleArray array, int index, double val) {
    item().atomicAdd(array, index, val);
  }

  /** A lane's part of a 16×8 accumulator, all elements {@code v}. Opaque: not to be indexed. */
  public float[] mmaFragment(float v) {
    return item().matrices().fragment(v);
  }

  /** A lane's part of a 16×16 tile of halves at the start of {@code aTile}. */
  public HalfFloat[] mmaLoadA(int[] aTile, int wmmaK) {
    return mmaLoadA(aTile, wmmaK, 0);
  }

  /** A lane's part of a 16×16 tile: 16 rows of 32 bytes, from {@code byteOffset} on. */
  public HalfFloat[] mmaLoadA(int[] aTile, int wmmaK, int byteOffset) {
    return item().matrices().loadA(aTile, wmmaK, byteOffset);
  }

  /** A lane's part of a 16×8 tile of halves at the start of {@code bTile}. */
  public HalfFloat[] mmaLoadB(int[] bTile, int wmmaK) {
    return mmaLoadB(bTile, wmmaK, 0);
  }

  /** A lane's part of a 16×8 tile: 16 rows (depth) of 16 bytes, from {@code byteOffset} on. */
  public HalfFloat[] mmaLoadB(int[] bTile, int wmmaK, int byteOffset) {
    return item().matrices().loadB(bTile, wmmaK, byteOffset);
  }

  /** {@code A·B + C} over the warp, halves in, floats out. */
  public float[] mma(HalfFloat[] fragA, HalfFloat[] fragB, float[] fragC, MMAShape mmaShape) {
    return item().matrices().multiply(fragA, fragB, fragC, mmaShape, false);
  }

  /** {@code A·B + C} over the warp, brain floats in, floats out. */
  public float[] mmaBF16(HalfFloat[] fragA, HalfFloat[] fragB, float[] fragC, MMAShape mmaShape) {
    return item().matrices().multiply(fragA, fragB, fragC, mmaShape, true);
  }

  /** Stores the warp's 16×8 result at (tileRow, tileCol) of a matrix whose rows have dimN. */
  public void mmaStore(float[] fragD, FloatArray c, int tileRow, int tileCol, int dimN) {
    item().matrices().store(fragD, c, tileRow, tileCol, dimN);
  }

  /** A lane's part of a 16×8 accumulator of ints. */
  public int[] mmaFragmentInt(int initValue) {
    return item().matrices().fragmentInt(initValue);
  }

  /** A lane's part of a 16×32 tile of bytes at the start of {@code aTile}. */
  public byte[] mmaLoadAInt8(int[] aTile, int tileK) {
    return item().matrices().loadABytes(aTile, tileK);
  }

  /** A lane's part of an 8×32 tile of bytes, one column a row, at the start of {@code bTile}. */
  public byte[] mmaLoadBInt8(int[] bTile, int tileK) {
    return item().matrices().loadBBytes(bTile, tileK);
  }

  /** {@code A·B + C} over the warp, bytes in, ints out. */
  public int[] mmaInt8(byte[] fragA, byte[] fragB, int[] fragC, MMAShape shape) {
    return item().matrices().multiplyBytes(fragA, fragB, fragC, shape);
  }

  /** Stores the warp's 16×8 result of ints. */
  public void mmaStoreInt(int[] fragD, IntArray out, int row, int col, int stride) {
    item().matrices().storeInt(fragD, out, row, col, stride);
  }

  /** Starts to copy two halves into one int of local memory. */
  public void asyncCopyToLocal(int[] dstTile, int dstIndex, HalfFloatArray src, int srcIndex) {
    item().asyncCopy(dstTile, dstIndex, src, srcIndex);
  }

  /** Starts to copy four bytes into one int of local memory. */
  public void asyncCopyToLocal(int[] dstTile, int dstIndex, ByteArray src, int srcIndex) {
    item().asyncCopy(dstTile, dstIndex, src, srcIndex);
  }

  /** Closes the group of copies started since the last call. */
  public void asyncCopyCommit() {
    item().asyncCommit();
  }

  /** Waits until at most {@code groups} of the own groups of copies are under way. */
  public void asyncCopyWaitGroup(int groups) {
    item().asyncWait(groups);
  }
}
