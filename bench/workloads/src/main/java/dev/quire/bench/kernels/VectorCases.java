package dev.quire.bench.kernels;

import dev.quire.kernels.Activations;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorDots;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import dev.quire.kernels.MatrixVectorShared;
import dev.quire.kernels.ResidualStream;
import dev.quire.kernels.WeightTiles;
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
        ? List.of(new ProductShape("tiny", 64, 1, 96, 2), new ProductShape("tiny", 64, 1, 256, 2))
        : List.of(
            new ProductShape("large", 16384, 1, 8192, 2),
            new ProductShape("1B-qkv", 3072, 1, 2048, 16),
            new ProductShape("1B-output", 2048, 1, 2048, 16),
            new ProductShape("1B-gate-up", 16384, 1, 2048, 16),
            new ProductShape("1B-down", 2048, 1, 8192, 16),
            new ProductShape("1B-head", 128256, 1, 2048, 1));
  }

  private void vector(ProductShape shape) {
    halves(shape);
    if (MatrixVectorShared.takes(shape.inputs())) {
      shared("MatrixVector-shared", shape, Activations.NONE, ResidualStream.PLAIN);
      shared("MatrixVector-shared-gated", shape, Activations.SILU, ResidualStream.PLAIN);
      shared("MatrixVector-shared-normed", shape, Activations.NONE, ResidualStream.NORMED);
      shared("MatrixVector-shared-normed-gated", shape, Activations.SILU, ResidualStream.NORMED);
      shared("MatrixVector-shared-added", shape, Activations.NONE, ResidualStream.ADDED);
    }
    for (int warps : List.of(4, 8, 16)) {
      quants("MatrixVector-Q8/" + warps, shape, warps, Activations.NONE, ResidualStream.PLAIN);
    }
    for (int warps : List.of(2, 4, 8)) {
      quants(
          "MatrixVector-gated-Q8/" + warps, shape, warps, Activations.SILU, ResidualStream.PLAIN);
    }
    int warps = MatrixVectorQ8.warps(shape.outputs(), Activations.NONE);
    int gated = MatrixVectorQ8.warps(shape.outputs(), Activations.SILU);
    quants("MatrixVector-normed-Q8", shape, warps, Activations.NONE, ResidualStream.NORMED);
    quants("MatrixVector-normed-gated-Q8", shape, gated, Activations.SILU, ResidualStream.NORMED);
    quants("MatrixVector-added-Q8", shape, warps, Activations.NONE, ResidualStream.ADDED);
    // Warps on a block of outputs, and blocks of a group.
    for (int[] split : new int[][] {{8, 1}, {8, 2}, {2, 8}}) {
      int own = split[0];
      int blocks = split[1];
      if (shape.outputs() % (blocks * WeightTiles.OUTPUTS) == 0) {
        String name = "-Q8/" + own + "x" + blocks;
        dots("Dots" + name, shape, own, blocks, Activations.NONE, ResidualStream.PLAIN);
        dots("Dots-added" + name, shape, own, blocks, Activations.NONE, ResidualStream.ADDED);
        dots("Dots-normed" + name, shape, own, blocks, Activations.NONE, ResidualStream.NORMED);
        if (blocks > 1) {
          dots(
              "Dots-normed-gated" + name,
              shape,
              own,
              blocks,
              Activations.SILU,
              ResidualStream.NORMED);
        }
      }
    }
    nibbles(shape);
    if (LibraryProduct.available()) {
      cases.add(LibraryProduct.of(shape));
    }
  }

  private static KernelWork work(ProductShape.Arrays arrays, int activation, int stream) {
    if (stream == ResidualStream.ADDED) {
      return arrays.addedWork();
    }
    return activation == Activations.NONE ? arrays.work() : arrays.gatedWork();
  }

  private void halves(ProductShape shape) {
    cases.add(
        ProductCases.halves(
            "MatrixVector",
            shape,
            1,
            arrays ->
                arrays
                    .work()
                    .launch(
                        MatrixVector.grid(shape.outputs()),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVector::multiply,
                                context,
                                arrays.weights.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                shape.inputs()))));
    cases.add(
        ProductCases.halves(
            "MatrixVector-gated",
            shape,
            1,
            arrays ->
                arrays
                    .gatedWork()
                    .launch(
                        MatrixVector.gatedGrid(shape.outputs()),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVector::multiplyGated,
                                context,
                                arrays.weights.get(i % shape.matrices()),
                                arrays.x,
                                arrays.gated,
                                shape.inputs(),
                                Activations.SILU))));
  }

  private void shared(String kernel, ProductShape shape, int activation, int stream) {
    cases.add(
        ProductCases.halves(
            kernel,
            shape,
            1,
            arrays ->
                work(arrays, activation, stream)
                    .launch(
                        MatrixVectorShared.grid(shape.outputs(), activation),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorShared::multiplyEarly,
                                context,
                                arrays.weights.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                arrays.gated,
                                arrays.residual,
                                arrays.norm,
                                arrays.weighted,
                                arrays.squares,
                                shape.inputs(),
                                activation,
                                stream,
                                0.0f))));
  }

  private void quants(String kernel, ProductShape shape, int warps, int activation, int stream) {
    cases.add(
        ProductCases.quants(
            kernel,
            shape,
            1,
            arrays ->
                work(arrays, activation, stream)
                    .launch(
                        MatrixVectorQ8.grid(shape.outputs(), warps, activation),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ8::multiplyEarly,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                arrays.gated,
                                arrays.residual,
                                arrays.norm,
                                arrays.weighted,
                                arrays.squares,
                                shape.inputs(),
                                warps,
                                activation,
                                stream,
                                0.0f))));
  }

  private void dots(
      String kernel, ProductShape shape, int warps, int blocks, int activation, int stream) {
    cases.add(
        ProductCases.quants(
            kernel,
            shape,
            1,
            arrays ->
                work(arrays, activation, stream)
                    .launch(
                        MatrixVectorDots.grid(shape.outputs(), warps, blocks),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorDots::multiplyEarly,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                arrays.gated,
                                arrays.residual,
                                arrays.norm,
                                arrays.weighted,
                                arrays.squares,
                                shape.inputs(),
                                warps,
                                blocks,
                                activation,
                                stream,
                                0.0f))));
  }

  private void nibbles(ProductShape shape) {
    cases.add(
        ProductCases.nibbles(
            "MatrixVector-Q4",
            shape,
            1,
            arrays ->
                arrays
                    .work()
                    .launch(
                        MatrixVectorQ4.grid(shape.outputs()),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ4::multiplyEarly,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.out,
                                shape.inputs()))));
    cases.add(
        ProductCases.nibbles(
            "MatrixVector-gated-Q4",
            shape,
            1,
            arrays ->
                arrays
                    .gatedWork()
                    .launch(
                        MatrixVectorQ4.gatedGrid(shape.outputs()),
                        (graph, id, i) ->
                            graph.task(
                                id,
                                MatrixVectorQ4::multiplyGatedEarly,
                                context,
                                arrays.quants.get(i % shape.matrices()),
                                arrays.scales.get(i % shape.matrices()),
                                arrays.x,
                                arrays.gated,
                                shape.inputs(),
                                Activations.SILU))));
  }
}
