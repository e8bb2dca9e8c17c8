package dev.quire.tornado.jvm;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Watches the memory accesses of one group in checked mode. */
final class GroupWatch {
  private static final ThreadLocal<@Nullable GroupWatch> CURRENT = new ThreadLocal<>();

  /** Arrays below this number are local, from it on they are arguments. */
  private static final int FIRST_ARGUMENT = 1 << 16;

  private final WorkGroup group;
  private final Launch launch;
  private final Shadow shadow = new Shadow();
  private final List<BitSet> written = new ArrayList<>();
  private final IdentityHashMap<Object, BitSet> underWay = new IdentityHashMap<>();
  private @Nullable WorkItem item;

  GroupWatch(WorkGroup group, Launch launch) {
    this.group = group;
    this.launch = launch;
  }

  static @Nullable GroupWatch current() {
    return CURRENT.get();
  }

  /** Makes this the watch of the running thread; null ends it. */
  static void enter(@Nullable GroupWatch watch) {
    CURRENT.set(watch);
  }

  /** The work item that goes on now. */
  void running(WorkItem now) {
    item = now;
  }

  void barrierPassed() {
    shadow.advance();
  }

  void site(String place) {
    if (item != null) {
      item.site = place;
    }
  }

  /** TornadoVM forgets, in a helper, that an array is local, and addresses other memory. */
  void passed(Object array, String method) {
    int ordinal = group.memory().ordinal(array);
    if (ordinal >= 0) {
      throw new IllegalStateException(
          localName(array, ordinal)
              + " is passed to "
              + method
              + ", where a GPU would address other memory: write its code into the kernel");
    }
  }

  private int thread() {
    return item == null ? 0 : item.linear();
  }

  void loadPlain(Object array, int index) {
    checkBounds(array, index);
    int ordinal = group.memory().ordinal(array);
    if (ordinal < 0) {
      return;
    }
    checkArrived(array, ordinal, index);
    if (!written(ordinal).get(index)) {
      throw new IllegalStateException(
          "local array "
              + ordinal
              + " ("
              + LocalMemory.describe(array)
              + "): element "
              + index
              + " is read before anyone wrote it");
    }
    complain(shadow.read(ordinal, index, thread()), localName(array, ordinal), index);
  }

  void storePlain(Object array, int index) {
    checkBounds(array, index);
    int ordinal = group.memory().ordinal(array);
    if (ordinal < 0) {
      return;
    }
    checkArrived(array, ordinal, index);
    written(ordinal).set(index);
    complain(shadow.write(ordinal, index, thread()), localName(array, ordinal), index);
  }

  void addPlain(int[] array, int index) {
    checkBounds(array, index);
    int ordinal = group.memory().ordinal(array);
    if (ordinal < 0) {
      return;
    }
    checkArrived(array, ordinal, index);
    if (!written(ordinal).get(index)) {
      throw new IllegalStateException(
          localName(array, ordinal) + ": element " + index + " is added to before anyone set it");
    }
    complain(shadow.add(ordinal, index, thread()), localName(array, ordinal), index);
  }

  /** A row of a fragment is about to be read. */
  void loadRow(int[] array, int index, int ints) {
    mustBeLocal(array, "a fragment is loaded from");
    for (int i = index; i < index + ints; i++) {
      loadPlain(array, i);
    }
  }

  private int mustBeLocal(int[] array, String what) {
    int ordinal = group.memory().ordinal(array);
    if (ordinal < 0) {
      throw new IllegalStateException(
          what
              + " a private array ("
              + LocalMemory.describe(array)
              + "), where a device has local memory only");
    }
    return ordinal;
  }

  /** An asynchronous copy to a local element starts. */
  void copyStarts(int[] array, int index) {
    int ordinal = mustBeLocal(array, "an asynchronous copy goes to");
    checkBounds(array, index);
    checkArrived(array, ordinal, index);
    complain(shadow.write(ordinal, index, thread()), localName(array, ordinal), index);
    bits(underWay, array).set(index);
  }

  /**
   * An asynchronous copy to a local element has been waited for.
   *
   * @param changed whether its source has other contents than at the start
   */
  void copyArrives(
      int[] array, int index, TornadoNativeArray source, int sourceIndex, boolean changed) {
    if (changed) {
      throw new IllegalStateException(
          nativeName(source, launch.argument(source))
              + ": element "
              + sourceIndex
              + " was written while an asynchronous copy of it was under way");
    }
    int ordinal = group.memory().ordinal(array);
    bits(underWay, array).clear(index);
    written(ordinal).set(index);
    complain(shadow.write(ordinal, index, thread()), localName(array, ordinal), index);
  }

  private void checkArrived(Object array, int ordinal, int index) {
    if (underWay.isEmpty()) {
      return;
    }
    BitSet pending = underWay.get(array);
    if (pending != null && pending.get(index)) {
      throw new IllegalStateException(
          localName(array, ordinal)
              + ": element "
              + index
              + " is touched while an asynchronous copy to it is under way");
    }
  }

  void loadNative(TornadoNativeArray array, int index, int elements) {
    int argument = launch.argument(array);
    checkBounds(array, argument, index, elements);
    if (argument < 0) {
      return;
    }
    for (int i = index; i < index + elements; i++) {
      checkWritten(array, argument, i);
      complain(shadow.read(FIRST_ARGUMENT + argument, i, thread()), nativeName(array, argument), i);
    }
  }

  private void checkWritten(TornadoNativeArray array, int argument, int index) {
    DeviceArray device = launch.deviceArray(argument);
    if (device != null && !device.isWritten(index)) {
      throw new IllegalStateException(
          nativeName(array, argument)
              + ": element "
              + index
              + " is read, but was neither sent to the device nor written there");
    }
  }

  void storeNative(TornadoNativeArray array, int index, int elements) {
    int argument = launch.argument(array);
    checkBounds(array, argument, index, elements);
    if (argument < 0) {
      return;
    }
    DeviceArray device = launch.deviceArray(argument);
    for (int i = index; i < index + elements; i++) {
      if (device != null) {
        device.markWritten(i);
      }
      complain(
          shadow.write(FIRST_ARGUMENT + argument, i, thread()), nativeName(array, argument), i);
    }
  }

  void addNative(TornadoNativeArray array, int index) {
    int argument = launch.argument(array);
    checkBounds(array, argument, index, 1);
    if (argument >= 0) {
      checkWritten(array, argument, index);
      complain(
          shadow.add(FIRST_ARGUMENT + argument, index, thread()),
          nativeName(array, argument),
          index);
    }
  }

  private void complain(@Nullable String race, String array, int index) {
    if (race != null) {
      throw new IllegalStateException(
          "data race: " + array + ": element " + index + " " + race + " without a barrier between");
    }
  }

  private void checkBounds(Object array, int index) {
    int length = Array.getLength(array);
    if (index < 0 || index >= length) {
      int ordinal = group.memory().ordinal(array);
      throw new IndexOutOfBoundsException(
          (ordinal < 0 ? "private array" : localName(array, ordinal))
              + ": index "
              + index
              + " is out of bounds for "
              + length
              + " elements");
    }
  }

  private void checkBounds(TornadoNativeArray array, int argument, int index, int elements) {
    if (index < 0 || index > array.getSize() - elements) {
      throw new IndexOutOfBoundsException(
          nativeName(array, argument)
              + ": index "
              + index
              + " is out of bounds for "
              + array.getSize()
              + " elements");
    }
    if (index % elements != 0) {
      throw new IllegalStateException(
          nativeName(array, argument)
              + ": element "
              + index
              + " is no place for an access to "
              + elements
              + " at once, which a device makes at their multiples only");
    }
  }

  private BitSet written(int ordinal) {
    while (written.size() <= ordinal) {
      written.add(new BitSet());
    }
    return written.get(ordinal);
  }

  private static BitSet bits(Map<Object, BitSet> sets, Object array) {
    return sets.computeIfAbsent(array, a -> new BitSet(Array.getLength(a)));
  }

  private static String localName(Object array, int ordinal) {
    return "local array " + ordinal + " (" + LocalMemory.describe(array) + ")";
  }

  private String nativeName(TornadoNativeArray array, int argument) {
    return array.getClass().getSimpleName() + " " + launch.argumentName(argument);
  }
}
