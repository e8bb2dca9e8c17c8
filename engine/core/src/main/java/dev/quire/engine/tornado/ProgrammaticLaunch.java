package dev.quire.engine.tornado;

import dev.quire.engine.tornado.CudaGraphs.Edge;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Kernels of a captured graph that are launched while those before them still run (CUDA programming
 * guide, programmatic dependent launch).
 *
 * <pre>
 *   copy ──► kernel ──► kernel ──► kernel ──► copy     captured: each waits for the end of the one before
 *   copy ──► kernel ··► kernel ··► kernel ──► copy     started while the one before ends; the kernel itself
 *                                                      waits for it, before it reads or writes anything
 *                                                      but weights
 * </pre>
 *
 * The launcher patches TornadoVM's driver, so that every kernel it compiles contains the wait, and
 * that it calls this class where a graph is instantiated. Since every kernel waits, the end of one
 * means that all before it have ended, too. Kernels of libraries know nothing of it: edges to them
 * stay as they are. Without the driver's functions, or on a device of compute capability below 9.0,
 * all edges stay.
 */
public final class ProgrammaticLaunch {
  /**
   * The property that says how kernels of all graphs follow each other: {@code false} after all of
   * the one before; {@code true} once its groups let them come, or are over. Without it each graph
   * says which ({@link #choose}).
   */
  static final String PROPERTY = "quire.graph.programmatic";

  /** The property that has each graph told. */
  static final String TOLD = "quire.graph.programmatic.told";

  private static final String QUEUE = "uk.ac.manchester.tornado.drivers.cuda.CUDACommandQueue";

  // What names of TornadoVM's kernels are, which are names of methods, and those of libraries not.
  private static final String JAVA_NAME = "[A-Za-z0-9]+";

  private static @Nullable CudaGraphs driver;
  private static boolean unable;
  // TornadoVM launches on the thread that executes; other executors' threads may do so meanwhile.
  private static final ThreadLocal<@Nullable GraphReplay> LAUNCHED = new ThreadLocal<>();
  private static volatile boolean overlap = true;
  private static volatile int changed;

  private ProgrammaticLaunch() {}

  private static int port() {
    return Boolean.parseBoolean(System.getProperty(PROPERTY, String.valueOf(overlap)))
        ? CudaGraphs.PORT_PROGRAMMATIC
        : CudaGraphs.PORT_COMPLETE;
  }

  /** Whether kernels of the graphs that are captured from now on overlap. */
  public static void choose(boolean wanted) {
    overlap = wanted;
    changed = 0;
  }

  /** Edges at which kernels overlap in the graph that was captured last, since the choice. */
  public static int overlapping() {
    return changed;
  }

  /** How kernels of captured graphs follow each other, for people. */
  static String summary() {
    String told = System.getProperty(PROPERTY);
    if (told != null && !Boolean.parseBoolean(told)) {
      return "each kernel of a graph starts after the one before, since -D" + PROPERTY + "=false";
    }
    if (open() == null) {
      return "each kernel of a graph starts after the one before";
    }
    return told != null
        ? "kernels of all graphs start while the one before ends"
        : "kernels of a single row and of prompts start while the one before ends";
  }

  private static synchronized @Nullable CudaGraphs open() {
    if (driver == null && !unable) {
      try {
        driver = CudaGraphs.open();
      } catch (IllegalStateException e) {
        giveUp(e);
      }
    }
    return driver;
  }

  private static synchronized void giveUp(RuntimeException reason) {
    unable = true;
    driver = null;
    System.err.println(
        "quire: captured graphs stay as they are, each kernel after the one before: "
            + reason.getMessage());
  }

  /**
   * Instantiates a captured graph, its edges between kernels changed; the patched driver calls it
   * in place of its own native method of this name.
   *
   * @param graph the driver's handle
   * @return that of the instance; 0 if the driver refuses
   */
  public static long cuGraphInstantiate(long graph) {
    int port = port();
    List<Edge> edges = port == CudaGraphs.PORT_COMPLETE ? List.of() : change(graph, port);
    long instance = original(graph);
    CudaGraphs current = driver;
    changed = edges.size();
    if (instance == 0 && !edges.isEmpty() && current != null) {
      giveUp(new IllegalStateException("the driver does not instantiate the changed graph"));
      current.replace(graph, edges, port, CudaGraphs.PORT_COMPLETE);
      changed = 0;
      instance = original(graph);
    }
    return instance;
  }

  /**
   * Launches an instantiated graph; the patched driver calls it in place of its own native method
   * of this name.
   *
   * @param instance the driver's handle
   * @param queue TornadoVM's
   * @return the driver's result, 0 if all is well
   */
  public static long cuGraphLaunch(long instance, long queue) {
    LAUNCHED.set(
        new GraphReplay(
            instance, call("getStreamPointer", queue), call("getContextPointer", queue)));
    return call("cuGraphLaunch", instance, queue);
  }

  /** Forgets what this thread launched. */
  static void forget() {
    LAUNCHED.remove();
  }

  /** The graph that TornadoVM launched last on this thread, since then; null if there is none. */
  static @Nullable GraphReplay launched() {
    return LAUNCHED.get();
  }

  private static List<Edge> change(long graph, int port) {
    CudaGraphs current = open();
    if (current == null) {
      return List.of();
    }
    try {
      int capability = current.capability();
      if (capability < CudaGraphs.SINCE_CAPABILITY) {
        throw new IllegalStateException("the device's compute capability is " + capability + ".x");
      }
      List<Edge> all = current.edges(graph);
      List<Edge> chosen = programmatic(all, current::isKernel, current::name);
      if (!chosen.isEmpty()) {
        current.replace(graph, chosen, CudaGraphs.PORT_COMPLETE, port);
      }
      if (Boolean.getBoolean(TOLD)) {
        System.err.printf(
            "quire: a captured graph: %d of its %d edges start at port %d%n",
            chosen.size(), all.size(), port);
      }
      return chosen;
    } catch (IllegalStateException e) {
      giveUp(e);
      return List.of();
    }
  }

  /**
   * The edges between two kernels of which the first has no other dependent, and the second, which
   * waits for itself, depends on no other.
   */
  static List<Edge> programmatic(
      List<Edge> edges, LongPredicate isKernel, LongFunction<String> name) {
    Map<Long, Integer> dependents = new HashMap<>();
    Map<Long, Integer> dependencies = new HashMap<>();
    for (Edge edge : edges) {
      dependents.merge(edge.from(), 1, Integer::sum);
      dependencies.merge(edge.to(), 1, Integer::sum);
    }
    return edges.stream()
        .filter(
            edge ->
                dependents.getOrDefault(edge.from(), 0) == 1
                    && dependencies.getOrDefault(edge.to(), 0) == 1
                    && isKernel.test(edge.from())
                    && isKernel.test(edge.to())
                    && name.apply(edge.to()).matches(JAVA_NAME))
        .toList();
  }

  private static long original(long graph) {
    return call("cuGraphInstantiate", graph);
  }

  private static long call(String name, Long... arguments) {
    Class<?>[] types = new Class<?>[arguments.length];
    Arrays.fill(types, long.class);
    try {
      Method method = Class.forName(QUEUE).getDeclaredMethod(name, types);
      method.setAccessible(true);
      return (long) method.invoke(null, (Object[]) arguments);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("TornadoVM has no " + name, e);
    }
  }
}
