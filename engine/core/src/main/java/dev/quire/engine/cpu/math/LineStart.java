package dev.quire.engine.cpu.math;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Where in an array a line of the cache starts. Objects start at any multiple of eight bytes, so
 * that of vectors from an array's beginning on every second one crosses a line, which makes storing
 * them up to 1.6 times slower. The C library's {@code memcpy(3)} of nothing tells its target's
 * address. It holds until the garbage collector moves the array, so it may only serve speed.
 */
final class LineStart {
  private final MemorySegment array;
  private int bytes;

  /**
   * @param array a heap segment over a whole array, which is a line longer than what is used of it
   */
  LineStart(MemorySegment array) {
    this.array = array;
  }

  /** Bytes from the array's first element to the line, as of the latest look. */
  int bytes() {
    return bytes;
  }

  /** Looks where the array lies; without native access it is taken to start a line. */
  void look() {
    MethodHandle copy = Native.COPY;
    if (copy == null) {
      return;
    }
    try {
      long address = (long) copy.invokeExact(array, array, 0L);
      bytes = (int) (-address & (WeightTiles.LINE - 1));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("calling memcpy", e);
    }
  }

  /** The function, linked once somebody looks: not every run comes to many rows. */
  private static final class Native {
    static final @Nullable MethodHandle COPY = copy();

    private static @Nullable MethodHandle copy() {
      if (!LineStart.class.getModule().isNativeAccessEnabled()) {
        return null;
      }
      try {
        Linker linker = Linker.nativeLinker();
        @SuppressWarnings("restricted")
        MethodHandle handle =
            linker.downcallHandle(
                linker.defaultLookup().findOrThrow("memcpy"),
                FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG),
                Linker.Option.critical(true));
        return handle;
      } catch (UnsupportedOperationException | NoSuchElementException _) {
        return null; // a JVM without a native linker, a system without the function
      }
    }
  }
}
