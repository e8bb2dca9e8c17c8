package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/** An off-heap array of IEEE 754 halves, 2 bytes an element, after a header of 16 bytes. */
public final class HalfFloatArray extends TornadoNativeArray {
  private static final int ELEMENT_BYTES = 2;

  private final MemorySegment segment;
  private final int size;

  /** Allocates {@code numberOfElements} zeros. */
  public HalfFloatArray(int numberOfElements) {
    this(allocate(numberOfElements, ELEMENT_BYTES));
  }

  /** Joins arrays into a new one. */
  public HalfFloatArray(HalfFloatArray... arrays) {
    this(join(ELEMENT_BYTES, arrays));
  }

  private HalfFloatArray(MemorySegment segmentWithHeader) {
    segment = segmentWithHeader;
    size = elementsOf(segmentWithHeader, ELEMENT_BYTES);
  }

  /** Copies a heap array. */
  public static HalfFloatArray fromArray(HalfFloat[] values) {
    HalfFloatArray array = new HalfFloatArray(values.length);
    for (int i = 0; i < values.length; i++) {
      array.set(i, values[i]);
    }
    return array;
  }

  /** Copies the given values. */
  public static HalfFloatArray fromElements(HalfFloat... values) {
    return fromArray(values);
  }

  /** Copies a segment of plain elements. */
  public static HalfFloatArray fromSegment(MemorySegment elements) {
    return new HalfFloatArray(withHeader(elements, ELEMENT_BYTES));
  }

  /**
   * Wraps a segment without copying it: 16 bytes that become the header, then the elements.
   *
   * @throws IllegalArgumentException if what follows the header is no whole number of elements
   */
  public static HalfFloatArray fromSegmentShallow(MemorySegment segmentWithHeader) {
    return new HalfFloatArray(claim(segmentWithHeader, ELEMENT_BYTES));
  }

  /** Sets every element. */
  public static void initialize(HalfFloatArray array, HalfFloat value) {
    array.init(value);
  }

  /** Joins arrays into a new one. */
  public static HalfFloatArray concat(HalfFloatArray... arrays) {
    return new HalfFloatArray(arrays);
  }

  /** Copies the elements onto the heap. */
  public HalfFloat[] toHeapArray() {
    HalfFloat[] values = new HalfFloat[size];
    for (int i = 0; i < size; i++) {
      values[i] = get(i);
    }
    return values;
  }

  /** Copies the elements' bits onto the heap. */
  public short[] toShortArray() {
    return getSegment().toArray(ValueLayout.JAVA_SHORT);
  }

  /** Sets one element. */
  public void set(int index, HalfFloat value) {
    segment.set(ValueLayout.JAVA_SHORT, offset(index), value.getHalfFloatValue());
  }

  /** Reads one element. */
  public HalfFloat get(int index) {
    return new HalfFloat(segment.get(ValueLayout.JAVA_SHORT, offset(index)));
  }

  /** Reads elements {@code index} and {@code index + 1}: one load of 32 bits on a device. */
  public Half2 getHalf2(int index) {
    return new Half2(get(index), get(index + 1));
  }

  /** Writes elements {@code index} and {@code index + 1}: one store of 32 bits on a device. */
  public void setHalf2(int index, Half2 value) {
    Objects.checkIndex(index + 1, size);
    set(index, value.getX());
    set(index + 1, value.getY());
  }

  /** Sets every element. */
  public void init(HalfFloat value) {
    for (int i = 0; i < size; i++) {
      set(i, value);
    }
  }

  /** Copies {@code length} elements from {@code offset} on into a new array. */
  public HalfFloatArray slice(int offset, int length) {
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

  private long offset(int index) {
    return ARRAY_HEADER + (long) Objects.checkIndex(index, size) * ELEMENT_BYTES;
  }
}
