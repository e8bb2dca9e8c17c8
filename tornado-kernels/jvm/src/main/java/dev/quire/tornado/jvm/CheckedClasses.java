package dev.quire.tornado.jvm;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;

/** Loads kernel classes, and the helpers that they name, rewritten by {@link WatchingTransform}. */
final class CheckedClasses extends ClassLoader {
  /** One rewritten copy a kernel class, so that it is compiled once however often it is run. */
  private static final ClassValue<CheckedClasses> BY_KERNEL =
      new ClassValue<>() {
        @Override
        protected CheckedClasses computeValue(Class<?> kernel) {
          return new CheckedClasses(kernel.getClassLoader());
        }
      };

  private static final String OWN_PACKAGE =
      CheckedClasses.class.getPackageName().replace('.', '/') + "/";

  private final ClassFile classFile;

  private CheckedClasses(ClassLoader parent) {
    super("checked kernels", parent);
    classFile =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(parent)
                    .orElse(ClassHierarchyResolver.defaultResolver())));
  }

  /** The rewritten twin of a kernel's method, as a function of its arguments. */
  static KernelFunction twin(KernelMethod method, List<Object> arguments) {
    try {
      Class<?> kernel = Class.forName(method.owner(), false, method.loader());
      Class<?> rewritten = BY_KERNEL.get(kernel).loadClass(method.owner());
      MethodHandle handle = null;
      for (Method candidate : rewritten.getDeclaredMethods()) {
        if (candidate.getName().equals(method.name())
            && Modifier.isStatic(candidate.getModifiers())
            && accepts(candidate, arguments)) {
          candidate.setAccessible(true);
          handle =
              MethodHandles.lookup()
                  .unreflect(candidate)
                  .asSpreader(Object[].class, arguments.size())
                  .asType(MethodType.methodType(void.class, Object[].class));
        }
      }
      if (handle == null) {
        throw new KernelFault(
            "checked mode runs static methods named by a method reference; "
                + method.title()
                + " is none that takes these "
                + arguments.size()
                + " arguments");
      }
      MethodHandle found = handle;
      return values -> {
        found.invokeExact(values);
      };
    } catch (ReflectiveOperationException failure) {
      throw new KernelFault("cannot rewrite " + method.title() + ": " + failure, failure);
    }
  }

  private static boolean accepts(Method method, List<Object> arguments) {
    Class<?>[] types = method.getParameterTypes();
    if (types.length != arguments.size()) {
      return false;
    }
    for (int i = 0; i < types.length; i++) {
      Class<?> type = MethodType.methodType(types[i]).wrap().returnType();
      if (!type.isInstance(arguments.get(i))) {
        return false;
      }
    }
    return true;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    String internal = name.replace('.', '/');
    if (!KernelMethod.isKernelCode(internal) || internal.startsWith(OWN_PACKAGE)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? define(name, internal) : loaded;
    }
  }

  private Class<?> define(String name, String internal) throws ClassNotFoundException {
    try (InputStream in = getParent().getResourceAsStream(internal + ".class")) {
      if (in == null) {
        return super.loadClass(name, false);
      }
      byte[] watched =
          classFile.transformClass(classFile.parse(in.readAllBytes()), WatchingTransform.ofClass());
      return defineClass(name, watched, 0, watched.length);
    } catch (IOException unreadable) {
      throw new ClassNotFoundException(name, unreadable);
    }
  }
}
