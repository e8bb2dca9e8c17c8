package dev.quire.tornado.jvm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Graphs and their memory on the device. What a graph neither persists nor sends at its first
 * execution only is undefined when it ends, and poisoned here.
 */
public final class Plan {
  private final List<GraphState> states;
  private final DeviceMemory memory = new DeviceMemory();
  private final IdentityHashMap<Object, Program> programs = new IdentityHashMap<>();
  private List<GraphState> chosen;
  private Function<String, @Nullable GridShape> grids = task -> null;

  /** A graph, its arrays on the device, and its grids once they are captured. */
  private static final class GraphState {
    final Graph graph;
    final IdentityHashMap<Object, DeviceArray> arrays = new IdentityHashMap<>();
    final Set<Object> kept = Collections.newSetFromMap(new IdentityHashMap<>());
    final Set<Object> persisted = Collections.newSetFromMap(new IdentityHashMap<>());
    final Set<DeviceArray> borrowed = Collections.newSetFromMap(new IdentityHashMap<>());
    final Map<String, GridShape> captured = new HashMap<>();
    private final DeviceMemory memory;
    boolean capture;

    GraphState(Graph graph, DeviceMemory memory) {
      this.graph = graph;
      this.memory = memory;
    }

    DeviceArray array(Object host) {
      return arrays.computeIfAbsent(host, h -> allocate((TornadoNativeArray) h));
    }

    private DeviceArray allocate(TornadoNativeArray host) {
      memory.take(host.getNumBytesOfSegmentWithHeader());
      return new DeviceArray(host);
    }
  }

  /** What is known of a task's kernel. */
  static final class Program {
    private final @Nullable KernelMethod method;
    private @Nullable KernelFunction checkedFunction;

    Program(@Nullable KernelMethod method) {
      this.method = method;
    }

    @Nullable KernelMethod method() {
      return method;
    }

    /** The kernel's watched twin; a kernel that touches no memory needs none. */
    KernelFunction checkedFunction(GraphStep.Task task) {
      KernelFunction function = checkedFunction;
      if (function == null) {
        function = method == null ? task.function() : CheckedClasses.twin(method, task.arguments());
        checkedFunction = function;
      }
      return function;
    }
  }

  /** A plan over graphs, of which all are chosen. */
  public Plan(Graph... graphs) {
    List<GraphState> all = new ArrayList<>();
    for (Graph graph : graphs) {
      all.add(new GraphState(graph, memory));
    }
    states = List.copyOf(all);
    chosen = states;
  }

  /** Chooses one graph. */
  public void choose(int index) {
    chosen = List.of(states.get(index));
  }

  /** Chooses all graphs. */
  public void chooseAll() {
    chosen = states;
  }

  /** Sets where grids come from, by {@code graph.task}. */
  public void grids(Function<String, @Nullable GridShape> source) {
    grids = source;
  }

  /** Freezes the chosen graphs' grids at their next execution. */
  public void capture() {
    chosen.forEach(state -> state.capture = true);
  }

  /** Executes the chosen graphs in order. */
  public void execute() {
    for (GraphState state : chosen) {
      for (GraphStep step : state.graph.steps()) {
        run(state, step);
      }
      end(state);
    }
  }

  private void run(GraphState state, GraphStep step) {
    switch (step) {
      case GraphStep.ToDevice(int mode, List<Object> objects) -> {
        for (Object object : objects) {
          DeviceArray array = state.array(object);
          if (mode == DataTransferMode.EVERY_EXECUTION) {
            array.send();
          } else {
            state.kept.add(object);
            if (mode == DataTransferMode.FIRST_EXECUTION && !array.sent()) {
              array.send();
            }
          }
        }
      }
      case GraphStep.Consume(String source, List<Object> objects) ->
          objects.forEach(object -> consume(state, source, object));
      case GraphStep.Persist(List<Object> objects) -> {
        for (Object object : objects) {
          state.array(object);
          state.kept.add(object);
          state.persisted.add(object);
        }
      }
      case GraphStep.ToHost(int mode, List<Object> objects) -> {
        for (Object object : objects) {
          if (mode == DataTransferMode.UNDER_DEMAND) {
            state.kept.add(object);
          } else {
            receive(state, (TornadoNativeArray) object);
          }
        }
      }
      case GraphStep.Task task -> launch(state, task);
    }
  }

  private void consume(GraphState state, String source, Object object) {
    if (source.equals(state.graph.name())) {
      state.array(object);
      state.kept.add(object);
      return;
    }
    for (GraphState other : states) {
      if (other.graph.name().equals(source)
          && (other.persisted.contains(object)
              || other.borrowed.contains(other.arrays.get(object)))) {
        DeviceArray array = other.array(object);
        state.arrays.put(object, array);
        state.borrowed.add(array);
        state.kept.add(object);
        return;
      }
    }
    throw new KernelFault(
        "graph "
            + state.graph.name()
            + " consumes "
            + describe(object)
            + " from graph "
            + source
            + ", which has not persisted it on the device");
  }

  private static String describe(Object object) {
    return object instanceof TornadoNativeArray array
        ? "a " + array.getClass().getSimpleName() + " of " + array.getSize()
        : String.valueOf(object);
  }

  private static void receive(GraphState state, TornadoNativeArray host) {
    DeviceArray array = state.arrays.get(host);
    if (array == null) {
      throw new KernelFault(
          "graph " + state.graph.name() + " never had " + describe(host) + " on the device");
    }
    array.receive(TornadoNativeArray.ARRAY_HEADER, host.getNumBytesOfSegment());
  }

  private void launch(GraphState state, GraphStep.Task task) {
    boolean checked = Checked.on();
    Object[] arguments = task.arguments().toArray();
    @Nullable DeviceArray[] arrays = new DeviceArray[arguments.length];
    boolean hasContext = false;
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i] instanceof TornadoNativeArray host) {
        DeviceArray array = state.array(host);
        array.prepare(checked);
        arrays[i] = array;
        arguments[i] = array.device();
      }
      hasContext |= arguments[i] instanceof KernelContext;
    }
    GridShape shape = shape(state, task, hasContext);
    Program program =
        programs.computeIfAbsent(
            task,
            t -> new Program(KernelMethod.find(task.function(), task.code(), task.arguments())));
    new Launch(task, program, shape, arguments, arrays, checked).run(Workers.SHARED);
  }

  private GridShape shape(GraphState state, GraphStep.Task task, boolean hasContext) {
    GridShape frozen = state.captured.get(task.name());
    if (frozen != null) {
      return frozen;
    }
    GridShape shape = grids.apply(task.name());
    if (shape == null) {
      if (hasContext) {
        throw new KernelFault("task " + task.name() + " has no grid in the grid scheduler");
      }
      shape = GridShape.single();
    }
    if (state.capture) {
      state.captured.put(task.name(), shape);
    }
    return shape;
  }

  private static void end(GraphState state) {
    state.arrays.forEach(
        (host, array) -> {
          if (!state.kept.contains(host)) {
            array.poison();
          }
        });
  }

  /** Copies whole arrays of the chosen graphs back. */
  public void toHost(Object... objects) {
    for (Object object : objects) {
      if (!(object instanceof TornadoNativeArray host)) {
        throw new KernelFault("only native arrays come back, not " + object.getClass());
      }
      toHost(host, TornadoNativeArray.ARRAY_HEADER, host.getNumBytesOfSegment());
    }
  }

  /** Copies bytes of an array back; the offset counts from the header. */
  public void toHost(TornadoNativeArray host, long offset, long bytes) {
    for (int i : IntStream.range(0, chosen.size()).map(i -> chosen.size() - 1 - i).toArray()) {
      GraphState state = chosen.get(i);
      DeviceArray array = state.arrays.get(host);
      if (array != null && state.kept.contains(host)) {
        array.receive(offset, bytes);
        return;
      }
    }
    throw new KernelFault(describe(host) + " is not kept on the device by the executed graphs");
  }

  /** Bytes on the device. */
  public long deviceBytes() {
    return states.stream()
        .flatMap(state -> state.arrays.values().stream())
        .distinct()
        .mapToLong(DeviceArray::bytes)
        .sum();
  }

  /** Frees the device's memory. */
  public void free() {
    for (GraphState state : states) {
      state.arrays.values().stream()
          .filter(array -> !state.borrowed.contains(array))
          .forEach(
              array -> {
                memory.give(array.bytes());
                array.free();
              });
      state.arrays.clear();
      state.borrowed.clear();
      state.persisted.clear();
      state.kept.clear();
    }
  }
}
