package dev.quire.engine.tornado;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;

/**
 * Four things that TornadoVM has no option for, done behind its back where the JVM was started with
 * its packages open; without that all works, but slower.
 *
 * <p>It writes a task graph into 8192 bytes, which a model of 16 layers overflows: a larger buffer
 * makes a step one graph. And it compiles the kernel of each task anew, though all layers' are the
 * same: its cache of compiled code, which it asks by a task's name, is given one that answers to
 * the name of any task of the same method and scalars, and of earlier processes' tasks, which
 * {@link KernelCache} has. And see {@link #settle}.
 */
final class TornadoInternals {
  private static final int GRAPH_BYTES = 1 << 16;
  private static final boolean OPEN = open();

  private TornadoInternals() {}

  private static boolean open() {
    try {
      Field graph = TaskGraph.class.getDeclaredField("taskGraphImpl");
      return graph.trySetAccessible();
    } catch (NoSuchFieldException e) {
      return false; // Not TornadoVM's own class.
    }
  }

  /** What the launcher did to the CUDA backend's classes, for people; empty for other backends. */
  static String driver() {
    return switch (System.getProperty("quire.driver.patched", "")) {
      case "true" ->
          "TornadoVM's driver: nine of its classes are patched, so that kernels address memory by"
              + " pointers and copy it by sixteen bytes, and "
              + ProgrammaticLaunch.summary()
              + "; QUIRE_DRIVER_PATCH=off leaves them as they are";
      case "off" -> "TornadoVM's driver: not patched, since QUIRE_DRIVER_PATCH=off";
      case "unknown" ->
          "TornadoVM's driver: not patched, since it has other classes than those known; kernels"
              + " are slower";
      default -> "";
    };
  }

  /** That the launcher could not give graphs more nodes, for people; empty where it could. */
  static String graphs() {
    return "unknown".equals(System.getProperty("quire.graph.patched"))
        ? "TornadoVM's graphs: 1024 nodes each, as its runtime has another class than the one"
            + " known; a step takes several of them, which is slower"
        : "";
  }

  /**
   * Makes room for many tasks; call it before the first is added.
   *
   * @return bytes that the graph may take; 0 if they are what they were
   */
  static int enlarge(TaskGraph graph) {
    if (!OPEN) {
      return 0;
    }
    try {
      Object implementation = get(TaskGraph.class, "taskGraphImpl", graph);
      byte[] code = new byte[GRAPH_BYTES];
      field(implementation.getClass(), "highLevelCode").set(implementation, code);
      field(implementation.getClass(), "hlBuffer")
          .set(implementation, ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN));
      return GRAPH_BYTES;
    } catch (ReflectiveOperationException | RuntimeException e) {
      return 0;
    }
  }

  /**
   * A task as TornadoVM sees it.
   *
   * @param arguments the kernel context among them
   * @param writes how many arguments it writes
   */
  record Seen(List<Object> arguments, int writes) {}

  /** The task that was added last; null where it can't be seen. */
  static @Nullable Seen last(TaskGraph graph) {
    if (!OPEN) {
      return null;
    }
    try {
      Object implementation = get(TaskGraph.class, "taskGraphImpl", graph);
      Object context = get(implementation.getClass(), "executionContext", implementation);
      Object[] arguments =
          (Object[]) call(((List<?>) call(context, "getTasks")).getLast(), "getArguments");
      int writes = 0;
      for (Object access : (Object[]) get(implementation.getClass(), "accesses", implementation)) {
        writes += access.toString().contains("WRITE") ? 1 : 0;
      }
      return new Seen(List.of(arguments), writes);
    } catch (ReflectiveOperationException | RuntimeException e) {
      return null;
    }
  }

  /** How many kernels were compiled, and how many came from the cache of an earlier process. */
  record Compiled(int compiled, int cached) {}

  /**
   * Lets tasks of the same method and scalars share compiled code, with earlier processes, too,
   * where {@link KernelCache} has a folder.
   *
   * @return tells the kernels so far; null where nothing is shared
   */
  static @Nullable Supplier<Compiled> shareCode(
      TornadoExecutionPlan plan, List<ImmutableTaskGraph> graphs) {
    if (!OPEN) {
      return null;
    }
    try {
      Map<String, String> canonical = new HashMap<>();
      Object device = plan;
      for (ImmutableTaskGraph graph : graphs) {
        Object taskGraph = get(ImmutableTaskGraph.class, "taskGraph", graph);
        Object implementation = get(TaskGraph.class, "taskGraphImpl", taskGraph);
        Object context = get(implementation.getClass(), "executionContext", implementation);
        for (Object task : (List<?>) call(context, "getTasks")) {
          canonical.put((String) call(task, "getId"), signature(task));
          device = call(task, "getDevice");
        }
      }
      Object deviceContext = call(device, "getDeviceContext");
      long id = (long) call(plan, "getId");
      Object codeCache =
          method(deviceContext.getClass(), "getCodeCache", long.class).invoke(deviceContext, id);
      var shared = new SharedCode(canonical, KernelCache.of(deviceContext));
      field(codeCache.getClass(), "cache").set(codeCache, shared);
      return shared::counts;
    } catch (ReflectiveOperationException | RuntimeException e) {
      return null;
    }
  }

  /**
   * Tells a graph, once it is captured, that no other hands buffers over to it any more: it has
   * them all, and asking for each at every execution takes longer than the rest of it.
   *
   * @param others names of all graphs
   */
  static void settle(ImmutableTaskGraph graph, Collection<String> others) {
    if (!OPEN) {
      return;
    }
    try {
      Object taskGraph = get(ImmutableTaskGraph.class, "taskGraph", graph);
      Object implementation = get(TaskGraph.class, "taskGraphImpl", taskGraph);
      Object context = get(implementation.getClass(), "executionContext", implementation);
      Map<String, List<Object>> none = new HashMap<>();
      others.forEach(name -> none.put(name, List.of()));
      field(context.getClass(), "persistedTaskToObjectsMap").set(context, none);
    } catch (ReflectiveOperationException | RuntimeException e) {
      return; // It goes on asking.
    }
  }

  /** What the compiled code of a task depends on. */
  private static String signature(Object task) throws ReflectiveOperationException {
    var text = new StringBuilder(call(task, "getMethod").toString());
    for (Object argument : (Object[]) call(task, "getArguments")) {
      text.append('|');
      text.append(argument instanceof Number ? argument : argument.getClass().getSimpleName());
    }
    return text.toString();
  }

  static Object get(Class<?> type, String name, Object of) throws ReflectiveOperationException {
    return field(type, name).get(of);
  }

  private static Field field(Class<?> type, String name) throws NoSuchFieldException {
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    return field;
  }

  static Object call(Object of, String name) throws ReflectiveOperationException {
    return method(of.getClass(), name).invoke(of);
  }

  static Method method(Class<?> type, String name, Class<?>... parameters)
      throws NoSuchMethodException {
    Method method = type.getMethod(name, parameters);
    method.setAccessible(true);
    return method;
  }

  /** Compiled code by "task-method", where tasks stand for all that are like them. */
  private static final class SharedCode extends ConcurrentHashMap<String, Object> {
    private static final long serialVersionUID = 1;

    @SuppressWarnings("serial") // never written
    private final Map<String, String> canonical;

    private final transient @Nullable KernelCache cache;
    private final transient Set<String> absent = new HashSet<>();

    SharedCode(Map<String, String> canonical, @Nullable KernelCache cache) {
      this.canonical = canonical;
      this.cache = cache;
    }

    private @Nullable String known(String key) {
      int end = key.lastIndexOf('-');
      return end < 0 ? null : canonical.get(key.substring(0, end));
    }

    private @Nullable Object find(String key) {
      String known = known(key);
      if (known == null) {
        return super.get(key);
      }
      Object code = super.get(known);
      if (code == null && cache != null && absent.add(known)) {
        code = cache.load(known);
        if (code != null) {
          super.put(known, code);
        }
      }
      return code;
    }

    @Override
    public boolean containsKey(Object key) {
      return find((String) key) != null;
    }

    @Override
    public @Nullable Object get(Object key) {
      return find((String) key);
    }

    @Override
    public Object put(String key, Object value) {
      String known = known(key);
      if (known != null && cache != null) {
        cache.store(known, key.substring(key.lastIndexOf('-') + 1), value);
      }
      return super.put(known == null ? key : known, value);
    }

    Compiled counts() {
      return cache == null
          ? new Compiled(size(), 0)
          : new Compiled(cache.compiled(), cache.loaded());
    }
  }
}
