package dev.quire.engine.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Launches a captured graph again by the driver's C interface. All of a step is in the graph: its
 * copies to the device and back have fixed addresses. TornadoVM's own replay reads all of the
 * graph's bytecodes at every execution, to skip those that were captured: 0.15 ms for a model's
 * step on a slow core, and twice that until its interpreter is compiled.
 *
 * @param instance the driver's handle of the instantiated graph
 * @param stream that it was launched in
 * @param context of the stream
 */
record GraphReplay(long instance, long stream, long context) {
  /** {@code false}: TornadoVM replays its graphs itself. */
  static final String PROPERTY = "quire.graph.direct";

  private static final String LIBRARY = "libcuda.so.1";

  /** Functions of the driver, found when the first graph is launched again. */
  private static final class Driver {
    static final @Nullable MethodHandle SET_CONTEXT = find("cuCtxSetCurrent", 1);
    static final @Nullable MethodHandle LAUNCH = find("cuGraphLaunch", 2);
    static final @Nullable MethodHandle SYNCHRONIZE = find("cuStreamSynchronize", 1);

    private Driver() {}

    @SuppressWarnings("restricted")
    private static @Nullable MethodHandle find(String name, int arguments) {
      ValueLayout[] words = new ValueLayout[arguments];
      Arrays.fill(words, ValueLayout.JAVA_LONG);
      try {
        MemorySegment address =
            SymbolLookup.libraryLookup(LIBRARY, Arena.global()).find(name).orElse(null);
        return address == null
            ? null
            : Linker.nativeLinker()
                .downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, words));
      } catch (IllegalArgumentException e) {
        return null; // There is no driver of this name.
      }
    }
  }

  /** Whether graphs can be launched so, and nobody has said that they must not. */
  static boolean possible() {
    return Boolean.parseBoolean(System.getProperty(PROPERTY, "true"))
        && Driver.SET_CONTEXT != null
        && Driver.LAUNCH != null
        && Driver.SYNCHRONIZE != null;
  }

  /**
   * Launches it and waits for its end.
   *
   * @throws IllegalStateException if the driver says that it failed
   */
  void run() {
    MethodHandle setContext = Driver.SET_CONTEXT;
    MethodHandle launch = Driver.LAUNCH;
    MethodHandle synchronize = Driver.SYNCHRONIZE;
    if (setContext == null || launch == null || synchronize == null) {
      throw new IllegalStateException("there is no " + LIBRARY);
    }
    try {
      check("cuCtxSetCurrent", (int) setContext.invokeExact(context));
      check("cuGraphLaunch", (int) launch.invokeExact(instance, stream));
      check("cuStreamSynchronize", (int) synchronize.invokeExact(stream));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static void check(String function, int result) {
    if (result != 0) {
      throw new IllegalStateException(function + " fails with the driver's error " + result);
    }
  }
}
