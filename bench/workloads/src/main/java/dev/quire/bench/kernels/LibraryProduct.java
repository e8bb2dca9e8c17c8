package dev.quire.bench.kernels;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * cuBLAS's product, as TornadoVM's SDK offers it: a task of a library, in the same graph and on the
 * same arrays as the kernels. It is looked up by name, since the JVM's part of the API has no
 * libraries.
 */
final class LibraryProduct {
  private static final String LIBRARY = "uk.ac.manchester.tornado.cublas.CuBlas";
  private static final String FUNCTION = "cublasGemmExFP16FP32";
  private static final int AS_STORED = 0;
  private static final int TRANSPOSED = 1;

  private LibraryProduct() {}

  /** Whether the SDK has it. */
  static boolean available() {
    try {
      Class.forName(LIBRARY);
      return true;
    } catch (ClassNotFoundException absent) {
      return false;
    }
  }

  /** The product of a shape, by {@link #add}. */
  static KernelCase of(ProductShape shape) {
    return new KernelCase(
        "cuBLAS",
        shape.text(),
        shape.bytes(2),
        shape.operations(),
        () -> {
          ProductShape.Arrays arrays = ProductShape.Arrays.halves(shape);
          return arrays
              .work()
              .library(
                  (graph, id, i) ->
                      add(
                          graph,
                          id,
                          arrays.weights.get(i % shape.matrices()),
                          arrays.x,
                          arrays.out,
                          shape.outputs(),
                          shape.rows(),
                          shape.inputs()));
        });
  }

  /**
   * Adds the task {@code out[r, o] = sum over i of weights[o, i] * x[r, i]}. The library's matrices
   * are stored column after column: to it the weights are [inputs, outputs], x is [inputs, rows],
   * and the result [outputs, rows].
   */
  static TaskGraph add(
      TaskGraph graph,
      String id,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int rows,
      int inputs) {
    try {
      Object descriptor = null;
      for (Method method : Class.forName(LIBRARY).getMethods()) {
        if (method.getName().equals(FUNCTION)) {
          descriptor =
              method.invoke(
                  null,
                  TRANSPOSED,
                  AS_STORED,
                  outputs,
                  rows,
                  inputs,
                  1.0f,
                  weights,
                  inputs,
                  x,
                  inputs,
                  0.0f,
                  out,
                  outputs);
        }
      }
      Object found = descriptor;
      Class<?> code = Class.forName(TornadoFunctions.class.getName() + "$LibraryTask1");
      Object function =
          Proxy.newProxyInstance(
              LibraryProduct.class.getClassLoader(), new Class<?>[] {code}, (_, _, _) -> found);
      return (TaskGraph)
          TaskGraph.class
              .getMethod("libraryTask", String.class, code, Object.class)
              .invoke(graph, id, function, weights);
    } catch (ReflectiveOperationException failure) {
      throw new IllegalStateException("this SDK's cuBLAS is another: " + failure, failure);
    }
  }
}
