package dev.quire.tornado.jvm;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/**
 * A coroutine on the JDK's own one-shot continuations, those under its virtual threads: a switch
 * costs a tenth of a microsecond and needs no scheduler. They are not public; the JVM offers them
 * when started with {@code --add-exports java.base/jdk.internal.vm=ALL-UNNAMED}.
 */
final class ContinuationCoroutine implements Coroutine {
  private static final @Nullable Access ACCESS = Access.find();

  private final Object continuation;

  ContinuationCoroutine(Runnable body) {
    Access access = access();
    try {
      continuation = (Object) access.create.invokeExact(access.scope, body);
    } catch (Throwable failure) {
      throw rethrown(failure);
    }
  }

  static boolean available() {
    return ACCESS != null;
  }

  @Override
  public void resume() {
    try {
      access().run.invokeExact(continuation);
    } catch (Throwable failure) {
      throw rethrown(failure);
    }
  }

  @Override
  public void suspend() {
    Access access = access();
    try {
      boolean left = (boolean) access.yield.invokeExact(access.scope);
      assert left;
    } catch (Throwable failure) {
      throw rethrown(failure);
    }
  }

  private static Access access() {
    if (ACCESS == null) {
      throw new IllegalStateException("this JVM does not export its continuations");
    }
    return ACCESS;
  }

  private static RuntimeException rethrown(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
    return new IllegalStateException(failure);
  }

  private record Access(Object scope, MethodHandle create, MethodHandle run, MethodHandle yield) {
    static @Nullable Access find() {
      try {
        Class<?> scopeType = Class.forName("jdk.internal.vm.ContinuationScope");
        Class<?> type = Class.forName("jdk.internal.vm.Continuation");
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        Object scope = scopeType.getConstructor(String.class).newInstance("work item");
        return new Access(
            scope,
            lookup
                .findConstructor(type, MethodType.methodType(void.class, scopeType, Runnable.class))
                .asType(MethodType.methodType(Object.class, Object.class, Runnable.class)),
            lookup
                .findVirtual(type, "run", MethodType.methodType(void.class))
                .asType(MethodType.methodType(void.class, Object.class)),
            lookup
                .findStatic(type, "yield", MethodType.methodType(boolean.class, scopeType))
                .asType(MethodType.methodType(boolean.class, Object.class)));
      } catch (ReflectiveOperationException | IllegalAccessError notExported) {
        return null;
      }
    }
  }
}
