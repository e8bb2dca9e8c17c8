package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import uk.ac.manchester.tornado.api.types.HalfFloat;

/** An off-heap array of {@code byte}, 1 byte an element, after a header of 16 bytes. */
public final class ByteArray extends TornadoNativeArray {
  private static final int ELEMENT_BYTES = 1;
  private static final ValueLayout.OfShort HALF =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment segment;
  private final int size;

  /** Allocates {@code numberOfElements} zeros. */
  public ByteArray(int numberOfElements) {
    this(allocate(numberOfElements, ELEMENT_BYTES));
  }

  /** Joins arrays into a new one. */
  public ByteArray(ByteArray... arrays) {
    this(join(ELEMENT_BYTES, arrays));
  }

  private ByteArray(MemorySegment segmentWithHeader) {
    segment = segmentWithHeader;
    size = elementsOf(segmentWithHeader, ELEMENT_BYTES);
  }

  /** Copies a heap array. */
  public static ByteArray fromArray(byte[] values) {
    return fromSegment(MemorySegment.ofArray(values));
  }

  /** Copies the given values. */
  public static ByteArray fromElements(byte... values) {
    return fromSegment(MemorySegment.ofArray(values));
  }

  /** Copies a segment of plain elements. */
  public static ByteArray fromSegment(MemorySegment elements) {
    return new ByteArray(withHeader(elements, ELEMENT_BYTES));
  }

  /**
   * Wraps a segment without copying it: 16 bytes that become the header, then the elements.
   *
   * @throws IllegalArgumentException if what follows the header is no whole number of elements
   */
  public static ByteArray fromSegmentShallow(MemorySegment segmentWithHeader) {
    return new ByteArray(claim(segmentWithHeader, ELEMENT_BYTES));
  }

  /** Copies what remains of a buffer. */
  public static ByteArray fromByteBuffer(ByteBuffer buffer) {
    return fromSegment(MemorySegment.ofBuffer(buffer));
  }

  /** Sets every element. */
  public static void initialize(ByteArray array, byte value) {
    array.init(value);
  }

  /** Joins arrays into a new one. */
  public static ByteArray concat(ByteArray... arrays) {
    return new ByteArray(arrays);
  }

  /** Copies the elements onto the heap. */
  public byte[] toHeapArray() {
    return getSegment().toArray(ValueLayout.JAVA_BYTE);
  }

  /** Sets one element. */
  public void set(int index, byte value) {
    segment.set(
        ValueLayout.JAVA_BYTE,
        ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES,
        value);
  }

  /** Reads one element. */
  public byte get(int index) {
    return segment.get(
        ValueLayout.JAVA_BYTE,
        ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES);
  }

  /** Reads the two bytes at {@code index} as a half, little endian. */
  public HalfFloat getHalfFloat(int index) {
    Objects.checkIndex(index + 1L, (long) size);
    return new HalfFloat(segment.get(HALF, ARRAY_HEADER + Objects.checkIndex(index, size)));
  }

  /** Writes a half into the two bytes at {@code index}, little endian. */
  public void setHalfFloat(int index, HalfFloat value) {
    Objects.checkIndex(index + 1L, (long) size);
    segment.set(HALF, ARRAY_HEADER + Objects.checkIndex(index, size), value.getHalfFloatValue());
  }

  /** Sets every element. */
  public void init(byte value) {
    for (int i = 0; i < size; i++) {
      set(i, value);
    }
  }

  /** Copies {@code length} elements from {@code offset} on into a new array. */
  public ByteArray slice(int offset, int length) {
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
