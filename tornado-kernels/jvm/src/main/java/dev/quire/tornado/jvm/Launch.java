package dev.quire.tornado.jvm;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;

/** One execution of one task over a grid. */
final class Launch {
  private static final MethodHandle NEW_CONTEXT = contextConstructor();

  private static final String[] OURS = {
    "WorkItem", "WorkGroup", "Warp", "AsyncCopies", "Launch", "Watch", "GroupWatch", "LocalMemory"
  };

  private final GraphStep.Task task;
  private final @Nullable KernelMethod method;
  private final GridShape shape;
  private final Object[] arguments;
  private final @Nullable DeviceArray[] arrays;
  private final KernelFunction function;
  private final boolean checked;

  /** {@code arguments} are the device's arrays, the scalars and the stand-ins for contexts. */
  Launch(
      GraphStep.Task task,
      Plan.Program program,
      GridShape shape,
      Object[] arguments,
      @Nullable DeviceArray[] arrays,
      boolean checked) {
    this.task = task;
    method = program.method();
    this.arrays = arrays;
    this.checked = checked;
    function = checked ? program.checkedFunction(task) : task.function();
    this.shape = shape;
    this.arguments = arguments;
  }

  GridShape shape() {
    return shape;
  }

  boolean checked() {
    return checked;
  }

  /** The place of a device array among the arguments, or -1. */
  int argument(Object array) {
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i] == array) {
        return i;
      }
    }
    return -1;
  }

  @Nullable DeviceArray deviceArray(int argument) {
    return arrays[argument];
  }

  String argumentName(int argument) {
    if (argument < 0) {
      return "that is no argument";
    }
    String name = method == null ? null : method.parameter(argument);
    return name == null ? "argument " + (argument + 1) : name;
  }

  boolean suspends() {
    return method == null || method.suspends();
  }

  /** What went wrong in a group. */
  private record Failure(int group, Throwable thrown) {}

  /**
   * Runs all groups, several at a time, and waits for them. Of several that fail the lowest is
   * told: groups are taken in order, so that every lower one has begun by then and is run to its
   * end.
   */
  void run(Workers workers) {
    int groups = shape.groups();
    AtomicInteger next = new AtomicInteger();
    AtomicReference<@Nullable Failure> lowest = new AtomicReference<>();
    workers.run(
        groups,
        () -> {
          int group;
          while (lowest.get() == null && (group = next.getAndIncrement()) < groups) {
            try {
              new WorkGroup(this, group).run();
            } catch (Throwable thrown) {
              var failure = new Failure(group, thrown);
              lowest.updateAndGet(
                  known -> known == null || failure.group < known.group ? failure : known);
            }
          }
        });
    Failure failure = lowest.get();
    switch (failure == null ? null : failure.thrown) {
      case null -> {}
      case RuntimeException exception -> throw exception;
      case Error error -> throw error;
      case Throwable other -> throw new IllegalStateException(other);
    }
  }

  void call(WorkItem item) throws Throwable {
    Object[] own = arguments.clone();
    for (int i = 0; i < own.length; i++) {
      if (own[i] instanceof KernelContext) {
        own[i] = (Object) NEW_CONTEXT.invokeExact(item);
      }
    }
    function.apply(own);
  }

  KernelFault fault(String where, Throwable cause) {
    String kernel = method == null ? "task " + task.name() : "kernel " + method.title();
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return new KernelFault(
        kernel + " (" + task.name() + "), " + where + line(cause) + ": " + message, cause);
  }

  private static String line(Throwable cause) {
    for (StackTraceElement frame : cause.getStackTrace()) {
      if (!isOurs(frame.getClassName())) {
        return ", " + frame.getFileName() + " line " + frame.getLineNumber();
      }
    }
    return "";
  }

  private static boolean isOurs(String owner) {
    if (!KernelMethod.isKernelCode(owner.replace('.', '/'))) {
      return true;
    }
    for (String name : OURS) {
      if (owner.startsWith(Launch.class.getPackageName() + "." + name)) {
        return true;
      }
    }
    return false;
  }

  private static MethodHandle contextConstructor() {
    try {
      return MethodHandles.privateLookupIn(KernelContext.class, MethodHandles.lookup())
          .findConstructor(KernelContext.class, MethodType.methodType(void.class, WorkItem.class))
          .asType(MethodType.methodType(Object.class, WorkItem.class));
    } catch (ReflectiveOperationException impossible) {
      throw new LinkageError("the kernel context lacks its constructor", impossible);
    }
  }
}
