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

  private final GraphStep.Task task;
  private final @Nullable KernelMethod method;
  private final GridShape shape;
  private final Object[] arguments;

  /** {@code arguments} are the device's arrays, the scalars and the stand-ins for contexts. */
  Launch(GraphStep.Task task, @Nullable KernelMethod method, GridShape shape, Object[] arguments) {
    this.task = task;
    this.method = method;
    this.shape = shape;
    this.arguments = arguments;
  }

  GridShape shape() {
    return shape;
  }

  boolean suspends() {
    return method == null || method.suspends();
  }

  /** Runs all groups, several at a time, and waits for them. */
  void run(Workers workers) {
    int groups = shape.groups();
    AtomicInteger next = new AtomicInteger();
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    workers.run(
        groups,
        () -> {
          int group;
          while (failure.get() == null && (group = next.getAndIncrement()) < groups) {
            try {
              new WorkGroup(this, group).run();
            } catch (Throwable thrown) {
              failure.compareAndSet(null, thrown);
            }
          }
        });
    switch (failure.get()) {
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
    task.function().apply(own);
  }

  KernelFault fault(String where, Throwable cause) {
    String kernel = method == null ? "task " + task.name() : "kernel " + method.title();
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return new KernelFault(
        kernel + " (" + task.name() + "), " + where + line(cause) + ": " + message, cause);
  }

  private static String line(Throwable cause) {
    for (StackTraceElement frame : cause.getStackTrace()) {
      String owner = frame.getClassName();
      if (!owner.startsWith("java.")
          && !owner.startsWith("jdk.")
          && !owner.startsWith("uk.ac.manchester.tornado.api.")
          && !owner.startsWith(Launch.class.getPackageName() + ".W")
          && !owner.startsWith(Launch.class.getPackageName() + ".A")
          && !owner.startsWith(Launch.class.getPackageName() + ".L")) {
        return ", " + frame.getFileName() + " line " + frame.getLineNumber();
      }
    }
    return "";
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
