package dev.quire.engine.tornado;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Graphs as NVIDIA's driver has them, by its C interface of CUDA 12.3 and later. Handles of graphs
 * and nodes are addresses. Every method fails with the driver's name of what went wrong.
 */
final class CudaGraphs {
  /** Whether the device has {@code griddepcontrol}: compute capability 9.0. */
  static final int SINCE_CAPABILITY = 9;

  /** Where a dependent starts: after all of a kernel. */
  static final int PORT_COMPLETE = 0;

  /**
   * Once each of its groups has let dependents come, or is over. There is a third, once each has
   * started, which CUDA calls best effort: a dependent's waiting groups may hold what others need
   * to start, which could last for ever.
   */
  static final int PORT_PROGRAMMATIC = 1;

  /** One node that waits for another. */
  record Edge(long from, long to) {}

  private static final String LIBRARY = "libcuda.so.1";
  private static final int KERNEL_NODE = 0;
  private static final int CAPABILITY_MAJOR = 75;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG;

  // CUgraphEdgeData: from_port, to_port, type, five bytes more.
  private static final int EDGE_DATA = 8;
  private static final int EDGE_TYPE = 2;
  private static final byte PROGRAMMATIC = 1;

  // CUDA_KERNEL_NODE_PARAMS_v2: func first, kern in its place where that is null.
  private static final int KERNEL_PARAMS = 128;
  private static final int KERNEL = 56;

  private final MethodHandle edges;
  private final MethodHandle type;
  private final MethodHandle params;
  private final MethodHandle functionName;
  private final MethodHandle kernelName;
  private final MethodHandle remove;
  private final MethodHandle add;
  private final MethodHandle device;
  private final MethodHandle attribute;
  private final MethodHandle errorName;

  private CudaGraphs(SymbolLookup library) {
    edges = function(library, "cuGraphGetEdges_v2", WORD, WORD, WORD, WORD, WORD);
    type = function(library, "cuGraphNodeGetType", WORD, WORD);
    params = function(library, "cuGraphKernelNodeGetParams_v2", WORD, WORD);
    functionName = function(library, "cuFuncGetName", WORD, WORD);
    kernelName = function(library, "cuKernelGetName", WORD, WORD);
    remove = function(library, "cuGraphRemoveDependencies_v2", WORD, WORD, WORD, WORD, WORD);
    add = function(library, "cuGraphAddDependencies_v2", WORD, WORD, WORD, WORD, WORD);
    device = function(library, "cuCtxGetDevice", WORD);
    attribute = function(library, "cuDeviceGetAttribute", WORD, INT, INT);
    errorName = function(library, "cuGetErrorName", INT, WORD);
  }

  @SuppressWarnings("restricted")
  static MethodHandle function(SymbolLookup library, String name, ValueLayout... arguments) {
    MemorySegment address =
        library
            .find(name)
            .orElseThrow(() -> new IllegalStateException("the driver has no " + name));
    return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(INT, arguments));
  }

  /**
   * The driver of this process.
   *
   * @throws IllegalStateException if it lacks a function, or is not there
   */
  static CudaGraphs open() {
    return new CudaGraphs(library());
  }

  /** The driver's library. */
  @SuppressWarnings("restricted")
  static SymbolLookup library() {
    try {
      return SymbolLookup.libraryLookup(LIBRARY, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException("there is no " + LIBRARY, e);
    }
  }

  private void call(String name, MethodHandle function, Object... arguments) {
    int result;
    try {
      result = (int) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(name + ": " + e, e);
    }
    if (result != 0) {
      throw new IllegalStateException(name + ": " + error(result));
    }
  }

  private String error(int result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(WORD);
      int known = (int) errorName.invokeWithArguments(result, text.address());
      return known == 0 ? string(text) : "error " + result;
    } catch (Throwable e) {
      return "error " + result;
    }
  }

  @SuppressWarnings("restricted")
  private static String string(MemorySegment pointer) {
    return MemorySegment.ofAddress(pointer.get(WORD, 0)).reinterpret(Long.MAX_VALUE).getString(0);
  }

  /** The first part of the compute capability of the current context's device. */
  int capability() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(WORD);
      call("cuCtxGetDevice", device, number.address());
      int current = number.get(INT, 0);
      call("cuDeviceGetAttribute", attribute, number.address(), CAPABILITY_MAJOR, current);
      return number.get(INT, 0);
    }
  }

  /** All edges of a graph. */
  List<Edge> edges(long graph) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(WORD);
      call("cuGraphGetEdges", edges, graph, 0L, 0L, 0L, count.address());
      int n = Math.toIntExact(count.get(WORD, 0));
      if (n == 0) {
        return List.of();
      }
      MemorySegment from = arena.allocate(WORD, n);
      MemorySegment to = arena.allocate(WORD, n);
      MemorySegment data = arena.allocate((long) n * EDGE_DATA, EDGE_DATA);
      call(
          "cuGraphGetEdges",
          edges,
          graph,
          from.address(),
          to.address(),
          data.address(),
          count.address());
      List<Edge> list = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        list.add(new Edge(from.getAtIndex(WORD, i), to.getAtIndex(WORD, i)));
      }
      return list;
    }
  }

  /** Whether a node launches a kernel. */
  boolean isKernel(long node) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(WORD);
      call("cuGraphNodeGetType", type, node, number.address());
      return number.get(INT, 0) == KERNEL_NODE;
    }
  }

  /** A kernel's name in its module. */
  String name(long node) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(KERNEL_PARAMS, EDGE_DATA);
      MemorySegment text = arena.allocate(WORD);
      call("cuGraphKernelNodeGetParams", params, node, values.address());
      long function = values.get(WORD, 0);
      if (function != 0) {
        call("cuFuncGetName", functionName, text.address(), function);
      } else {
        call("cuKernelGetName", kernelName, text.address(), values.get(WORD, KERNEL));
      }
      return string(text);
    }
  }

  /** Takes edges that start at one port from a graph, and puts the same at another port in. */
  void replace(long graph, List<Edge> list, int before, int after) {
    change("cuGraphRemoveDependencies", remove, graph, list, before);
    try {
      change("cuGraphAddDependencies", add, graph, list, after);
    } catch (IllegalStateException e) {
      change("cuGraphAddDependencies", add, graph, list, before);
      throw e;
    }
  }

  private void change(String name, MethodHandle function, long graph, List<Edge> list, int port) {
    try (Arena arena = Arena.ofConfined()) {
      int n = list.size();
      MemorySegment from = arena.allocate(WORD, n);
      MemorySegment to = arena.allocate(WORD, n);
      MemorySegment data = arena.allocate((long) n * EDGE_DATA, EDGE_DATA);
      for (int i = 0; i < n; i++) {
        from.setAtIndex(WORD, i, list.get(i).from());
        to.setAtIndex(WORD, i, list.get(i).to());
        data.set(ValueLayout.JAVA_BYTE, (long) i * EDGE_DATA, (byte) port);
        data.set(
            ValueLayout.JAVA_BYTE,
            (long) i * EDGE_DATA + EDGE_TYPE,
            port == PORT_COMPLETE ? 0 : PROGRAMMATIC);
      }
      call(name, function, graph, from.address(), to.address(), data.address(), (long) n);
    }
  }
}
