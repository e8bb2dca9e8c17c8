package dev.quire.tornado.jvm;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * The local memory of one group. Every work item asks for the same arrays in the same order and
 * gets the same ones; they start poisoned, as a device leaves them undefined.
 */
final class LocalMemory {
  /** What a device offers a group without being asked for more. */
  static final int MAX_BYTES = 48 * 1024;

  private static final int POISON = 0x7FC0DEAD;
  private static final HalfFloat POISONED_HALF = new HalfFloat((short) 0x7EAD);

  private final List<Object> arrays = new ArrayList<>();
  private int bytes;

  /** The {@code ordinal}-th array that a work item asks for. */
  <T> T get(int ordinal, Class<T> type, int size, int elementBytes) {
    if (ordinal < arrays.size()) {
      Object array = arrays.get(ordinal);
      if (!type.isInstance(array) || Array.getLength(array) != size) {
        throw new IllegalStateException(
            "local array "
                + ordinal
                + " differs between the work items of the group: "
                + describe(array)
                + " here, "
                + type.getComponentType().getSimpleName()
                + "["
                + size
                + "] there");
      }
      return type.cast(array);
    }
    bytes = Math.addExact(bytes, Math.multiplyExact(size, elementBytes));
    if (bytes > MAX_BYTES) {
      throw new IllegalStateException(
          "the group asks for " + bytes + " bytes of local memory, a device has " + MAX_BYTES);
    }
    T array = type.cast(Array.newInstance(type.getComponentType(), size));
    poison(array);
    arrays.add(array);
    return array;
  }

  /** The place of an array among those asked for, or -1: not local memory. */
  int ordinal(Object array) {
    for (int i = 0; i < arrays.size(); i++) {
      if (arrays.get(i) == array) {
        return i;
      }
    }
    return -1;
  }

  static String describe(Object array) {
    return array.getClass().getComponentType().getSimpleName() + "[" + Array.getLength(array) + "]";
  }

  private static void poison(Object array) {
    switch (array) {
      case int[] ints -> Arrays.fill(ints, POISON);
      case float[] floats -> Arrays.fill(floats, Float.intBitsToFloat(POISON));
      case long[] longs -> Arrays.fill(longs, (long) POISON << 32 | POISON);
      case double[] doubles -> Arrays.fill(doubles, Double.NaN);
      case byte[] bytes -> Arrays.fill(bytes, (byte) 0xAD);
      case HalfFloat[] halves -> Arrays.fill(halves, POISONED_HALF);
      case Half2[] pairs -> Arrays.setAll(pairs, i -> new Half2(POISONED_HALF, POISONED_HALF));
      default -> throw new IllegalArgumentException(array.getClass().getName());
    }
  }
}
