package dev.quire.tornado.jvm;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** The method behind a kernel's function object, and what its bytecode says. */
record KernelMethod(
    ClassLoader loader, String owner, String name, boolean suspends, List<String> parameters) {
  private static final Set<String> SUSPENDING =
      Set.of("localBarrier", "globalBarrier", "simdSum", "simdShuffleDown", "simdBroadcastFirst");
  private static final String CONTEXT = KernelContext.class.getName().replace('.', '/');

  /**
   * Finds the method by calling the function with null for context and arrays: the first access
   * fails, and the failure's stack tells where. Null if the kernel touches neither.
   */
  static @Nullable KernelMethod find(KernelFunction function, Object code, List<Object> arguments) {
    Object[] probes = new Object[arguments.size()];
    for (int i = 0; i < probes.length; i++) {
      Object argument = arguments.get(i);
      boolean place = argument instanceof KernelContext || argument instanceof TornadoNativeArray;
      if (!place) {
        probes[i] = argument;
      }
    }
    try {
      function.apply(probes);
    } catch (NullPointerException expected) {
      return fromStack(expected.getStackTrace(), code.getClass().getClassLoader());
    } catch (Throwable other) {
      return null;
    }
    return null;
  }

  private static @Nullable KernelMethod fromStack(
      StackTraceElement[] stack, @Nullable ClassLoader loader) {
    ClassLoader effective = loader == null ? ClassLoader.getSystemClassLoader() : loader;
    for (int i = 1; i < stack.length; i++) {
      if (stack[i].getClassName().startsWith(TaskGraph.class.getName())) {
        int frame = i - 1;
        while (frame > 0 && stack[frame].getClassName().contains("$$Lambda")) {
          frame--;
        }
        String owner = stack[frame].getClassName();
        String name = stack[frame].getMethodName();
        boolean suspends = suspends(effective, owner.replace('.', '/'), name, new HashSet<>());
        return new KernelMethod(
            effective, owner, name, suspends, parameters(effective, owner, name));
      }
    }
    return null;
  }

  /** The name of a parameter, or null if the class file does not tell. */
  @Nullable String parameter(int number) {
    return number < parameters.size() ? parameters.get(number) : null;
  }

  /** A parameter for people, by its number from 0. */
  String argument(int number) {
    String name = parameter(number);
    return "argument " + (number + 1) + (name == null ? "" : " (" + name + ")");
  }

  private static List<String> parameters(ClassLoader loader, String owner, String name) {
    List<String> names = new ArrayList<>();
    ClassModel model = read(loader, owner.replace('.', '/'));
    if (model != null) {
      for (MethodModel method : model.methods()) {
        if (method.methodName().equalsString(name)) {
          method
              .findAttribute(Attributes.methodParameters())
              .ifPresent(
                  all ->
                      all.parameters()
                          .forEach(
                              one ->
                                  names.add(one.name().map(Utf8Entry::stringValue).orElse("?"))));
          return names;
        }
      }
    }
    return names;
  }

  String title() {
    return owner.substring(owner.lastIndexOf('.') + 1) + "." + name;
  }

  private static boolean suspends(
      ClassLoader loader, String owner, String name, Set<String> visited) {
    if (!visited.add(owner + "." + name)) {
      return false;
    }
    ClassModel model = read(loader, owner);
    if (model == null) {
      return true;
    }
    for (MethodModel method : model.methods()) {
      if (method.methodName().equalsString(name) && suspends(loader, method, visited)) {
        return true;
      }
    }
    return false;
  }

  private static boolean suspends(ClassLoader loader, MethodModel method, Set<String> visited) {
    if (method.code().isEmpty()) {
      return false;
    }
    for (var element : method.code().get()) {
      if (element instanceof InvokeInstruction call) {
        String owner = call.owner().asInternalName();
        String name = call.name().stringValue();
        if (owner.equals(CONTEXT)) {
          if (SUSPENDING.contains(name)) {
            return true;
          }
        } else if (isKernelCode(owner) && suspends(loader, owner, name, visited)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Whether a class may hold kernel code: not the JDK's, not the device's. */
  static boolean isKernelCode(String internalName) {
    return !internalName.startsWith("java/")
        && !internalName.startsWith("jdk/")
        && !internalName.startsWith("[")
        && !internalName.startsWith("uk/ac/manchester/tornado/api/");
  }

  /** The methods of a class; none where it can't be read. */
  static List<MethodModel> methods(ClassLoader loader, String owner) {
    ClassModel model = read(loader, owner);
    return model == null ? List.of() : model.methods();
  }

  private static @Nullable ClassModel read(ClassLoader loader, String owner) {
    try (InputStream in = loader.getResourceAsStream(owner + ".class")) {
      return in == null ? null : ClassFile.of().parse(in.readAllBytes());
    } catch (IOException unreadable) {
      return null;
    }
  }
}
