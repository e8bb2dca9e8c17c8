package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Part of an array, to be copied back. It is said in elements and, once settled, read in bytes. */
public class DataRange {
  private final TornadoNativeArray array;
  private long offset;
  private long size;

  /** The whole array until narrowed. */
  public DataRange(TornadoNativeArray array) {
    this.array = array;
  }

  /** The first element. */
  public DataRange withOffset(long offset) {
    this.offset = offset;
    return this;
  }

  /** The number of elements; 0 stands for all. */
  public DataRange withSize(long size) {
    this.size = size;
    return this;
  }

  /** Bytes from the start of the header to the first element. */
  public long getOffset() {
    return TornadoNativeArray.ARRAY_HEADER + offset * array.getElementSize();
  }

  /** Bytes of the part. */
  public long getPartialSize() {
    return size == 0 ? array.getNumBytesOfSegment() : size * array.getElementSize();
  }

  /**
   * Settles the part.
   *
   * @throws IllegalArgumentException if it reaches past the array
   */
  public void materialize() {
    if (getOffset() + getPartialSize() > array.getNumBytesOfSegmentWithHeader()) {
      throw new IllegalArgumentException(
          "elements "
              + offset
              + " to "
              + (offset + size)
              + " reach past an array of "
              + array.getSize());
    }
  }

  /** The array. */
  public TornadoNativeArray getArray() {
    return array;
  }
}
