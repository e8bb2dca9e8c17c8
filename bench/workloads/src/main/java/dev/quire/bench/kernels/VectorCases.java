package dev.quire.bench.kernels;

import dev.quire.kernels.Activations;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;

/** Products of weights and one row of activations. */
final class VectorCases {
  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private VectorCases() {}

  static List<KernelCase> of(Scale scale) {
    VectorCases vectors = new VectorCases();
    shapes(scale).forEach(vectors::vector);
    return vectors.cases;
  }

  /** Llama-3.2-1B's matrices of 16 layers, its head, and one large matrix. */
  private static List<ProductShape> shapes(Scale scale) {
    return scale == Scale.TINY
        ? List.of(new ProductShape("tiny", 64, 1, 96, 2))
        : List.of(
            new ProductShape("large", 16384, 1, 8192, 2),
            new ProductShape("1B-qkv", 3072, 1, 2048, 16),
            new ProductShape("1B-output", 2048, 1, 2048, 16),
            new ProductShape("1B-gate-up", 16384, 1, 2048, 16),
            new ProductShape("1B-down", 2048, 1, 8192, 16),
            new ProductShape("1B-head", 128256, 1, 2048, 1));
  }

  private void vector(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    cases.add(
        ProductCases.halves(
            "MatrixVector",
            shape,
            1,
            arrays ->
                arrays
                    .work()
                    .launch(
                        MatrixVector.grid(outputs),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVector::multiply,
                                context,
                                arrays.weights.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                inputs))));
    if (inputs % MatrixVector.SHARED_INPUTS == 0 && outputs < 8192) {
      cases.add(
          ProductCases.halves(
              "MatrixVector-shared",
              shape,
              1,
              arrays ->
                  arrays
                      .work()
                      .launch(
                          MatrixVector.sharedGrid(outputs),
                          (graph, id, i) ->
                              graph.task(
                                  id,
                                  MatrixVector::multiplyShared,
                                  context,
                                  arrays.weights.get(i % shape.matrices()),
                                  arrays.x,
                                  arrays.out,
                                  inputs))));
    }
    cases.add(
        ProductCases.halves(
            "MatrixVector-gated",
            shape,
            1,
            arrays ->
                arrays
                    .gatedWork()
                    .launch(
                        MatrixVector.gatedGrid(outputs),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVector::multiplyGated,
                                context,
                                arrays.weights.get(i % shape.matrices()),
                                arrays.x,
                                arrays.gated,
                                inputs,
                                Activations.SILU))));
    cases.add(
        ProductCases.quants(
            "MatrixVector-Q8",
            shape,
            1,
            arrays ->
                arrays
                    .work()
                    .launch(
                        MatrixVectorQ8.grid(outputs),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ8::multiply,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                inputs))));
    if (inputs % MatrixVector.SHARED_INPUTS == 0 && outputs < 8192) {
      cases.add(
          ProductCases.quants(
              "MatrixVector-shared-Q8",
              shape,
              1,
              arrays ->
                  arrays
                      .work()
                      .launch(
                          MatrixVectorQ8.sharedGrid(outputs),
                          (graph, id, i) ->
                              graph.task(
                                  id,
                                  MatrixVectorQ8::multiplyShared,
                                  context,
                                  arrays.quants.get(i % shape.matrices()),
                                  arrays.scales.get(i % shape.matrices()),
                                  arrays.x,
                                  arrays.out,
                                  inputs))));
    }
    cases.add(
        ProductCases.quants(
            "MatrixVector-gated-Q8",
            shape,
            1,
            arrays ->
                arrays
                    .gatedWork()
                    .launch(
                        MatrixVectorQ8.gatedGrid(outputs),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ8::multiplyGated,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.gated,
                                inputs,
                                Activations.SILU))));
    cases.add(
        ProductCases.nibbles(
            "MatrixVector-Q4",
            shape,
            arrays ->
                arrays
                    .work()
                    .launch(
                        MatrixVectorQ4.grid(outputs),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ4::multiply,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                inputs))));
    cases.add(
        ProductCases.nibbles(
            "MatrixVector-gated-Q4",
            shape,
            arrays ->
                arrays
                    .gatedWork()
                    .launch(
                        MatrixVectorQ4.gatedGrid(outputs),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ4::multiplyGated,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.gated,
                                inputs,
                                Activations.SILU))));
    if (LibraryProduct.available()) {
      cases.add(LibraryProduct.of(shape));
    }
  }
}
