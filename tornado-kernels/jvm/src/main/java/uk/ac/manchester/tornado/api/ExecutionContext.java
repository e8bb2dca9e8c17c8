package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.DoubleArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/** What every kind of kernel context offers. */
public interface ExecutionContext {
  /** Waits for all work items of the group; orders their accesses to local and global memory. */
  void localBarrier();

  /** The same: on a device it, too, reaches no further than the group. */
  void globalBarrier();

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  int[] allocateIntLocalArray(int size);

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  long[] allocateLongLocalArray(int size);

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  float[] allocateFloatLocalArray(int size);

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  double[] allocateDoubleLocalArray(int size);

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  byte[] allocateByteLocalArray(int size);

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  HalfFloat[] allocateHalfFloatLocalArray(int size);

  /** Local memory for {@code size} elements, shared by the group, undefined at first. */
  Half2[] allocateHalf2LocalArray(int size);

  /** Adds to one element, indivisibly. */
  void atomicAdd(IntArray array, int index, int val);

  /** Adds to one element, indivisibly. */
  void atomicAdd(int[] array, int index, int val);

  /** Adds to one element, indivisibly. */
  void atomicAdd(LongArray array, int index, long val);

  /** Adds to one element, indivisibly. */
  void atomicAdd(FloatArray array, int index, float val);

  /** Adds to one element, indivisibly. */
  void atomicAdd(DoubleArray array, int index, double val);
}
