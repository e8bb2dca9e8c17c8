package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.LongBuffer;
import java.util.Objects;

/** An off-heap array of {@code long}, 8 bytes an element, after a header of 16 bytes. */
public final class LongArray extends TornadoNativeArray {
  private static final int ELEMENT_BYTES = 8;

  private final MemorySegment segment;
  private final int size;

  /** Allocates {@code numberOfElements} zeros. */
  public LongArray(int numberOfElements) {
    this(allocate(numberOfElements, ELEMENT_BYTES));
  }

  /** Joins arrays into a new one. */
  public LongArray(LongArray... arrays) {
    this(join(ELEMENT_BYTES, arrays));
  }

  private LongArray(MemorySegment segmentWithHeader) {
    segment = segmentWithHeader;
    size = elementsOf(segmentWithHeader, ELEMENT_BYTES);
  }

  /** Copies a heap array. */
  public static LongArray fromArray(long[] values) {
    return fromSegment(MemorySegment.ofArray(values));
  }

  /** Copies the given values. */
  public static LongArray fromElements(long... values) {
    return fromSegment(MemorySegment.ofArray(values));
  }

  /** Copies a segment of plain elements. */
  public static LongArray fromSegment(MemorySegment elements) {
    return new LongArray(withHeader(elements, ELEMENT_BYTES));
  }

  /**
   * Wraps a segment without copying it: 16 bytes that become the header, then the elements.
   *
   * @throws IllegalArgumentException if what follows the header is no whole number of elements
   */
  public static LongArray fromSegmentShallow(MemorySegment segmentWithHeader) {
    return new LongArray(claim(segmentWithHeader, ELEMENT_BYTES));
  }

  /** Copies what remains of a buffer. */
  public static LongArray fromLongBuffer(LongBuffer buffer) {
    return fromSegment(MemorySegment.ofBuffer(buffer));
  }

  /** Sets every element. */
  public static void initialize(LongArray array, long value) {
    array.init(value);
  }

  /** Joins arrays into a new one. */
  public static LongArray concat(LongArray... arrays) {
    return new LongArray(arrays);
  }

  /** Copies the elements onto the heap. */
  public long[] toHeapArray() {
    return getSegment().toArray(ValueLayout.JAVA_LONG);
  }

  /** Sets one element. */
  public void set(int index, long value) {
    segment.set(
        ValueLayout.JAVA_LONG,
        ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES,
        value);
  }

  /** Reads one element. */
  public long get(int index) {
    return segment.get(
        ValueLayout.JAVA_LONG,
        ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES);
  }

  /** Sets every element. */
  public void init(long value) {
    for (int i = 0; i < size; i++) {
      set(i, value);
    }
  }

  /** Copies {@code length} elements from {@code offset} on into a new array. */
  public LongArray slice(int offset, int length) {
    return fromSegment(elements(segment, offset, length, ELEMENT_BYTES));
  }

  @Override
  public void clear() {
    getSegment().fill((byte) 0);
  }

  @Override
  public int getElementSize() {
    return ELEMENT_BYTES;
  }

  @Override
  public int getSize() {
    return size;
  }

  @Override
  public MemorySegment getSegment() {
    return segment.asSlice(ARRAY_HEADER);
  }

  @Override
  public MemorySegment getSegmentWithHeader() {
    return segment;
  }

  @Override
  public long getNumBytesOfSegmentWithHeader() {
    return segment.byteSize();
  }

  @Override
  public long getNumBytesOfSegment() {
    return segment.byteSize() - ARRAY_HEADER;
  }
}
