package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An off-heap array as a device sees it: a header of 16 bytes whose first four hold the number of
 * elements, then the elements.
 */
public abstract class TornadoNativeArray {
  /** Bytes in front of the first element. Read at run time, so that no compiler inlines it. */
  public static final long ARRAY_HEADER = Long.getLong("tornado.panama.objectHeader", 16L);

  private static final int ALIGNMENT = 16;

  public TornadoNativeArray() {}

  /** The number of elements. */
  public abstract int getSize();

  /** The elements, without the header. */
  public abstract MemorySegment getSegment();

  /** Header and elements. */
  public abstract MemorySegment getSegmentWithHeader();

  /** Bytes of header and elements. */
  public abstract long getNumBytesOfSegmentWithHeader();

  /** Bytes of the elements. */
  public abstract long getNumBytesOfSegment();

  /** Sets every element to zero. */
  protected void clear() {}

  /** Bytes of one element. */
  public abstract int getElementSize();

  static MemorySegment allocate(int elements, int elementBytes) {
    if (elements < 0) {
      throw new IllegalArgumentException("an array cannot have " + elements + " elements");
    }
    MemorySegment segment =
        Arena.ofAuto().allocate(ARRAY_HEADER + (long) elements * elementBytes, ALIGNMENT);
    segment.set(ValueLayout.JAVA_INT, 0, elements);
    return segment;
  }

  static int elementsOf(MemorySegment segmentWithHeader, int elementBytes) {
    return Math.toIntExact((segmentWithHeader.byteSize() - ARRAY_HEADER) / elementBytes);
  }

  static MemorySegment claim(MemorySegment segmentWithHeader, int elementBytes) {
    long bytes = segmentWithHeader.byteSize() - ARRAY_HEADER;
    if (bytes < 0) {
      throw new IllegalArgumentException(
          "a segment of "
              + segmentWithHeader.byteSize()
              + " bytes has no room for the header of "
              + ARRAY_HEADER);
    }
    checkWhole(bytes, elementBytes);
    segmentWithHeader.set(ValueLayout.JAVA_INT_UNALIGNED, 0, (int) (bytes / elementBytes));
    return segmentWithHeader;
  }

  static MemorySegment withHeader(MemorySegment elements, int elementBytes) {
    checkWhole(elements.byteSize(), elementBytes);
    MemorySegment segment =
        allocate(Math.toIntExact(elements.byteSize() / elementBytes), elementBytes);
    MemorySegment.copy(elements, 0, segment, ARRAY_HEADER, elements.byteSize());
    return segment;
  }

  static MemorySegment join(int elementBytes, TornadoNativeArray... arrays) {
    int total = 0;
    for (TornadoNativeArray array : arrays) {
      total = Math.addExact(total, array.getSize());
    }
    MemorySegment segment = allocate(total, elementBytes);
    long position = ARRAY_HEADER;
    for (TornadoNativeArray array : arrays) {
      long bytes = array.getNumBytesOfSegment();
      MemorySegment.copy(array.getSegmentWithHeader(), ARRAY_HEADER, segment, position, bytes);
      position += bytes;
    }
    return segment;
  }

  static MemorySegment elements(MemorySegment segment, int offset, int length, int elementBytes) {
    return segment.asSlice(
        ARRAY_HEADER + (long) offset * elementBytes, (long) length * elementBytes);
  }

  private static void checkWhole(long bytes, int elementBytes) {
    if (bytes % elementBytes != 0) {
      throw new IllegalArgumentException(
          bytes + " bytes are no whole number of elements of " + elementBytes + " bytes");
    }
  }
}
