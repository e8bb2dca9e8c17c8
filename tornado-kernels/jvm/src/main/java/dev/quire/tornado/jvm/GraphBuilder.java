package dev.quire.tornado.jvm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A graph as it is being said. */
public final class GraphBuilder {
  private static final int MAX_ARGUMENTS = 20;

  private final String name;
  private final List<GraphStep> steps = new ArrayList<>();
  private final Set<String> taskNames = new HashSet<>();

  /** An empty graph. */
  public GraphBuilder(String name) {
    this.name = name;
  }

  /** The graph's name. */
  public String name() {
    return name;
  }

  /** Adds a copy to the device. */
  public void toDevice(int mode, Object... objects) {
    steps.add(new GraphStep.ToDevice(mode, arrays("transferToDevice", objects)));
  }

  /** Adds the use of arrays that a graph persisted. */
  public void consume(String graph, Object... objects) {
    steps.add(new GraphStep.Consume(graph, arrays("consumeFromDevice", objects)));
  }

  /** Keeps arrays on the device. */
  public void persist(Object... objects) {
    steps.add(new GraphStep.Persist(arrays("persistOnDevice", objects)));
  }

  /** Adds a copy to the host. */
  public void toHost(int mode, Object... objects) {
    steps.add(new GraphStep.ToHost(mode, arrays("transferToHost", objects)));
  }

  /** Adds a kernel; {@code code} is the function object that names the kernel's method. */
  public void task(String id, KernelFunction function, Object code, Object... arguments) {
    if (!taskNames.add(id)) {
      throw new KernelFault("graph " + name + " has two tasks named " + id);
    }
    if (arguments.length > MAX_ARGUMENTS) {
      throw new KernelFault("task " + name + "." + id + " has more than 20 arguments");
    }
    for (Object argument : arguments) {
      boolean known =
          argument instanceof TornadoNativeArray
              || argument instanceof KernelContext
              || argument instanceof Number
              || argument instanceof Boolean;
      if (!known) {
        throw new KernelFault(
            "task "
                + name
                + "."
                + id
                + ": an argument of type "
                + argument.getClass().getName()
                + " cannot go to the device; pass native arrays and scalars");
      }
    }
    List<Object> all = List.of(arguments);
    refuseWaitForItself(name + "." + id, function, code, all);
    steps.add(new GraphStep.Task(name + "." + id, function, code, all));
  }

  /**
   * TornadoVM orders tasks by the last writer of each array, argument after argument: an array that
   * comes again behind an argument that is written depends on the very task, and TornadoVM's
   * compiler of graphs goes on looking for a task that is free to run.
   */
  private static void refuseWaitForItself(
      String task, KernelFunction function, Object code, List<Object> arguments) {
    Set<Object> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
    boolean again = false;
    for (Object argument : arguments) {
      again |= argument instanceof TornadoNativeArray && !arrays.add(argument);
    }
    KernelMethod kernel = again ? KernelMethod.find(function, code, arguments) : null;
    ArrayWrites.Repeated repeated = kernel == null ? null : ArrayWrites.repeated(kernel, arguments);
    if (kernel != null && repeated != null) {
      throw new KernelFault(
          ("task %s: %s is the array that %s writes as %s; TornadoVM would take the task to wait"
                  + " for itself, and never start it. Pass another array there")
              .formatted(
                  task,
                  kernel.argument(repeated.again()),
                  kernel.title(),
                  kernel.argument(repeated.written())));
    }
  }

  /** The graph as it stands. */
  public Graph freeze() {
    return new Graph(name, steps);
  }

  private List<Object> arrays(String what, Object... objects) {
    for (Object object : objects) {
      if (!(object instanceof TornadoNativeArray)) {
        throw new KernelFault(
            "graph " + name + ": " + what + " takes native arrays, not " + object.getClass());
      }
    }
    return List.of(objects);
  }
}
