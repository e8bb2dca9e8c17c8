package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.FloatBuffer;
import java.util.Objects;

/** An off-heap array of {@code float}, 4 bytes an element, after a header of 16 bytes. */
public final class FloatArray extends TornadoNativeArray {
  private static final int ELEMENT_BYTES = 4;

  private final MemorySegment segment;
  private final int size;

  /** Allocates {@code numberOfElements} zeros. */
  public FloatArray(int numberOfElements) {
    this(allocate(numberOfElements, ELEMENT_BYTES));
  }

  /** Joins arrays into a new one. */
  public FloatArray(FloatArray... arrays) {
    this(join(ELEMENT_BYTES, arrays));
  }

  private FloatArray(MemorySegment segmentWithHeader) {
    segment = segmentWithHeader;
    size = elementsOf(segmentWithHeader, ELEMENT_BYTES);
  }

  /** Copies a heap array. */
  public static FloatArray fromArray(float[] values) {
    return fromSegment(MemorySegment.ofArray(values));
  }

  /** Copies the given values. */
  public static FloatArray fromElements(float... values) {
    return fromSegment(MemorySegment.ofArray(values));
  }

  /** Copies a segment of plain elements. */
  public static FloatArray fromSegment(MemorySegment elements) {
    return new FloatArray(withHeader(elements, ELEMENT_BYTES));
  }

  /**
   * Wraps a segment without copying it: 16 bytes that become the header, then the elements.
   *
   * @throws IllegalArgumentException if what follows the header is no whole number of elements
   */
  public static FloatArray fromSegmentShallow(MemorySegment segmentWithHeader) {
    return new FloatArray(claim(segmentWithHeader, ELEMENT_BYTES));
  }

  /** Copies what remains of a buffer. */
  public static FloatArray fromFloatBuffer(FloatBuffer buffer) {
    return fromSegment(MemorySegment.ofBuffer(buffer));
  }

  /** Sets every element. */
  public static void initialize(FloatArray array, float value) {
    array.init(value);
  }

  /** Joins arrays into a new one. */
  public static FloatArray concat(FloatArray... arrays) {
    return new FloatArray(arrays);
  }

  /** Copies the elements onto the heap. */
  public float[] toHeapArray() {
    return getSegment().toArray(ValueLayout.JAVA_FLOAT);
  }

  /** Sets one element. */
  public void set(int index, float value) {
    segment.set(
        ValueLayout.JAVA_FLOAT,
        ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES,
        value);
  }

  /** Reads one element. */
  public float get(int index) {
    return segment.get(
        ValueLayout.JAVA_FLOAT,
        ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES);
  }

  /** Sets every element. */
  public void init(float value) {
    for (int i = 0; i < size; i++) {
      set(i, value);
    }
  }

  /** Copies {@code length} elements from {@code offset} on into a new array. */
  public FloatArray slice(int offset, int length) {
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
