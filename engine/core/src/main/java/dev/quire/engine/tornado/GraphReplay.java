package dev.quire.engine.tornado;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
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

  /** Functions of the driver, found when the first graph is launched again. */
  private record Driver(MethodHandle setContext, MethodHandle launch, MethodHandle synchronize) {
    static final @Nullable Driver FOUND = find();

    private static @Nullable Driver find() {
      try {
        SymbolLookup library = CudaGraphs.library();
        return new Driver(
            CudaGraphs.function(library, "cuCtxSetCurrent", JAVA_LONG),
            CudaGraphs.function(library, "cuGraphLaunch", JAVA_LONG, JAVA_LONG),
            CudaGraphs.function(library, "cuStreamSynchronize", JAVA_LONG));
      } catch (IllegalStateException e) {
        System.err.println("quire: TornadoVM replays graphs itself: " + e.getMessage());
        return null;
      }
    }
  }

  /** Whether graphs can be launched so, and nobody has said that they must not. */
  static boolean possible() {
    return Boolean.parseBoolean(System.getProperty(PROPERTY, "true")) && Driver.FOUND != null;
  }

  /**
   * Launches it and waits for its end.
   *
   * @throws IllegalStateException if the driver says that it failed
   */
  void run() {
    Driver driver = Objects.requireNonNull(Driver.FOUND);
    try {
      check("cuCtxSetCurrent", (int) driver.setContext.invokeExact(context));
      check("cuGraphLaunch", (int) driver.launch.invokeExact(instance, stream));
      check("cuStreamSynchronize", (int) driver.synchronize.invokeExact(stream));
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
