package dev.quire.bench.kernels;

import dev.quire.kernels.Activations;
import dev.quire.kernels.LeanProduct;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import dev.quire.kernels.MediumProduct;
import dev.quire.kernels.SkinnyProduct;
import dev.quire.kernels.SkinnyProductQ8;
import dev.quire.kernels.TiledProduct;
import dev.quire.kernels.TiledProductQ8;
import dev.quire.kernels.WideProduct;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;

/** Products of weights and activations: one row, a few, many. */
final class ProductCases {
  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private ProductCases() {}

  static List<KernelCase> of(Scale scale) {
    ProductCases products = new ProductCases();
    for (ProductShape shape : vectors(scale)) {
      products.vector(shape);
    }
    for (ProductShape shape : skinny(scale)) {
      products.skinny(shape);
    }
    for (ProductShape shape : tiled(scale)) {
      products.tiled(shape);
    }
    return products.cases;
  }

  /** Llama-3.2-1B's matrices of 16 layers, its head, and one large matrix. */
  private static List<ProductShape> vectors(Scale scale) {
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

  private static List<ProductShape> skinny(Scale scale) {
    if (scale == Scale.TINY) {
      return List.of(new ProductShape("tiny", 64, 5, 96, 2));
    }
    List<ProductShape> shapes = new ArrayList<>();
    for (int rows : new int[] {8, 16}) {
      shapes.add(new ProductShape("1B-qkv", 3072, rows, 2048, 16));
      shapes.add(new ProductShape("1B-output", 2048, rows, 2048, 16));
      shapes.add(new ProductShape("1B-gate-up", 16384, rows, 2048, 16));
      shapes.add(new ProductShape("1B-down", 2048, rows, 8192, 16));
      shapes.add(new ProductShape("1B-head", 128256, rows, 2048, 1));
    }
    return shapes;
  }

  private static List<ProductShape> tiled(Scale scale) {
    if (scale == Scale.TINY) {
      return List.of(new ProductShape("tiny", 64, 48, 96, 2));
    }
    List<ProductShape> shapes = new ArrayList<>();
    shapes.add(new ProductShape("square", 4096, 4096, 4096, 1));
    shapes.add(new ProductShape("wide", 8192, 2048, 2048, 1));
    shapes.add(new ProductShape("wide", 8192, 2048, 8192, 1));
    shapes.add(new ProductShape("narrow", 2048, 256, 8192, 4));
    for (int rows : new int[] {32, 64, 128, 256}) {
      shapes.add(new ProductShape("1B-qkv", 3072, rows, 2048, 16));
      shapes.add(new ProductShape("1B-output", 2048, rows, 2048, 16));
      shapes.add(new ProductShape("1B-gate-up", 16384, rows, 2048, 16));
      shapes.add(new ProductShape("1B-down", 2048, rows, 8192, 16));
    }
    return shapes;
  }

  private void vector(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    addTiles(
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
                            inputs)));
    if (inputs % MatrixVector.SHARED_INPUTS == 0 && outputs < 8192) {
      addTiles(
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
                              inputs)));
    }
    addTiles(
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
                            Activations.SILU)));
    addQ8(
        "MatrixVector",
        shape,
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
                            inputs)));
    if (inputs % MatrixVector.SHARED_INPUTS == 0 && outputs < 8192) {
      addQ8(
          "MatrixVector-shared",
          shape,
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
                              inputs)));
    }
    addQ8(
        "MatrixVector-gated",
        shape,
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
                            Activations.SILU)));
    addQ4(
        "MatrixVector",
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
                            inputs)));
    addQ4(
        "MatrixVector-gated",
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
                            Activations.SILU)));
    library(shape);
  }

  private void skinny(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    skinnyProduct(shape);
    addQ8(
        "SkinnyProduct",
        shape,
        arrays ->
            arrays
                .work()
                .launch(
                    SkinnyProductQ8.grid(shape.rows(), outputs, arrays.splits),
                    (graph, id, i) ->
                        graph.task(
                            id,
                            SkinnyProductQ8::multiply,
                            context,
                            arrays.counts,
                            arrays.quants.get(i % shape.matrices()),
                            arrays.scales.get(i % shape.matrices()),
                            arrays.x,
                            arrays.out,
                            arrays.gated,
                            outputs,
                            inputs,
                            arrays.splits,
                            arrays.partRows,
                            Activations.NONE)));
    library(shape);
  }

  private void tiled(ProductShape shape) {
    gated(shape);
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    if (shape.rows() <= LeanProduct.TILE_ROWS) {
      leanProduct(shape);
    }
    if (shape.rows() <= MediumProduct.TILE_ROWS) {
      mediumProduct(shape);
    }
    wideProduct(shape);
    tiledProduct(shape);
    addQ8(
        "TiledProduct",
        shape,
        arrays ->
            arrays
                .work()
                .launch(
                    TiledProductQ8.grid(shape.rows(), outputs, arrays.splits),
                    (graph, id, i) ->
                        graph.task(
                            id,
                            TiledProductQ8::multiply,
                            context,
                            arrays.counts,
                            arrays.quants.get(i % shape.matrices()),
                            arrays.scales.get(i % shape.matrices()),
                            arrays.x,
                            arrays.out,
                            arrays.gated,
                            outputs,
                            inputs,
                            arrays.splits,
                            arrays.partRows,
                            Activations.NONE)));
    if (!shape.label().startsWith("1B")) {
      add(
          "NaiveProduct",
          shape,
          arrays ->
              arrays
                  .work()
                  .launch(
                      NaiveProduct.grid(shape.rows(), outputs),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              NaiveProduct::multiply,
                              context,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              outputs,
                              inputs)));
      add(
          "NaiveProduct-tiled",
          shape,
          arrays ->
              arrays
                  .work()
                  .launch(
                      NaiveProduct.grid(shape.rows(), outputs),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              NaiveProduct::multiplyTiled,
                              context,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              outputs,
                              inputs)));
    }
    library(shape);
  }

  /** Numbers of parts that the inputs are cut into: several where there are few outputs. */
  private static List<Integer> splits(ProductShape shape) {
    if (shape.outputs() * shape.rows() > 4096 * 256 || shape.outputs() > 8192) {
      return List.of(1);
    }
    return shape.inputs() < 256 ? List.of(1, 2) : List.of(1, 4, 8, 16);
  }

  private void skinnyProduct(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    for (int splits : splits(shape)) {
      addTiles(
          splits == 1 ? "SkinnyProduct" : "SkinnyProduct/" + splits,
          shape,
          splits,
          arrays ->
              arrays
                  .work()
                  .launch(
                      SkinnyProduct.grid(shape.rows(), outputs, splits),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              SkinnyProduct::multiply,
                              context,
                              arrays.counts,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              arrays.gated,
                              outputs,
                              inputs,
                              splits,
                              arrays.partRows,
                              Activations.NONE)));
    }
  }

  private void tiledProduct(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    for (int splits : splits(shape)) {
      addTiles(
          splits == 1 ? "TiledProduct" : "TiledProduct/" + splits,
          shape,
          splits,
          arrays ->
              arrays
                  .work()
                  .launch(
                      TiledProduct.grid(shape.rows(), outputs, splits),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              TiledProduct::multiply,
                              context,
                              arrays.counts,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              arrays.gated,
                              outputs,
                              inputs,
                              splits,
                              arrays.partRows,
                              Activations.NONE)));
    }
  }

  private void leanProduct(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    for (int splits : splits(shape)) {
      addTiles(
          splits == 1 ? "LeanProduct" : "LeanProduct/" + splits,
          shape,
          splits,
          arrays ->
              arrays
                  .work()
                  .launch(
                      LeanProduct.grid(shape.rows(), outputs, splits),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              LeanProduct::multiply,
                              context,
                              arrays.counts,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              arrays.gated,
                              outputs,
                              inputs,
                              splits,
                              arrays.partRows,
                              Activations.NONE)));
    }
  }

  private void mediumProduct(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    for (int splits : splits(shape)) {
      addTiles(
          splits == 1 ? "MediumProduct" : "MediumProduct/" + splits,
          shape,
          splits,
          arrays ->
              arrays
                  .work()
                  .launch(
                      MediumProduct.grid(shape.rows(), outputs, splits),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              MediumProduct::multiply,
                              context,
                              arrays.counts,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              arrays.gated,
                              outputs,
                              inputs,
                              splits,
                              arrays.partRows,
                              Activations.NONE)));
    }
  }

  private void wideProduct(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    for (int splits : splits(shape)) {
      addTiles(
          splits == 1 ? "WideProduct" : "WideProduct/" + splits,
          shape,
          splits,
          arrays ->
              arrays
                  .work()
                  .launch(
                      WideProduct.grid(shape.rows(), outputs, splits),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              WideProduct::multiply,
                              context,
                              arrays.counts,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              arrays.gated,
                              outputs,
                              inputs,
                              splits,
                              arrays.partRows,
                              Activations.NONE)));
    }
  }

  /** Gate and up in one product, whose activation is all that leaves it. */
  private void gated(ProductShape shape) {
    int outputs = shape.outputs();
    int inputs = shape.inputs();
    if (!shape.label().endsWith("gate-up") && !shape.label().equals("tiny")) {
      return;
    }
    addTiles(
        "TiledProduct-gated",
        shape,
        1,
        arrays ->
            arrays
                .gatedWork()
                .launch(
                    TiledProduct.grid(shape.rows(), outputs, 1),
                    (graph, id, i) ->
                        graph.task(
                            id,
                            TiledProduct::multiply,
                            context,
                            arrays.counts,
                            arrays.weights.get(i % shape.matrices()),
                            arrays.x,
                            arrays.out,
                            arrays.gated,
                            outputs,
                            inputs,
                            1,
                            arrays.partRows,
                            Activations.SILU)));
    addTiles(
        "WideProduct-gated",
        shape,
        1,
        arrays ->
            arrays
                .gatedWork()
                .launch(
                    WideProduct.grid(shape.rows(), outputs, 1),
                    (graph, id, i) ->
                        graph.task(
                            id,
                            WideProduct::multiply,
                            context,
                            arrays.counts,
                            arrays.weights.get(i % shape.matrices()),
                            arrays.x,
                            arrays.out,
                            arrays.gated,
                            outputs,
                            inputs,
                            1,
                            arrays.partRows,
                            Activations.SILU)));
  }

  private void library(ProductShape shape) {
    if (LibraryProduct.available()) {
      cases.add(LibraryProduct.of(shape));
    }
  }

  @FunctionalInterface
  private interface Maker {
    KernelWork make(ProductShape.Arrays arrays);
  }

  private void add(String kernel, ProductShape shape, Maker maker) {
    cases.add(
        new KernelCase(
            kernel,
            shape.text(),
            shape.bytes(2),
            shape.operations(),
            () -> maker.make(ProductShape.Arrays.halves(shape))));
  }

  private void addTiles(String kernel, ProductShape shape, int splits, Maker maker) {
    cases.add(
        new KernelCase(
            kernel,
            shape.text(),
            shape.bytes(2),
            shape.operations(),
            () -> maker.make(ProductShape.Arrays.tiles(shape, splits))));
  }

  /** 20 bytes for 32 weights: 16 of nibbles, a scale and a least. */
  private void addQ4(String kernel, ProductShape shape, Maker maker) {
    cases.add(
        new KernelCase(
            kernel + "-Q4",
            shape.text(),
            shape.bytes(20 / 32.0),
            shape.operations(),
            () -> maker.make(ProductShape.Arrays.nibbles(shape))));
  }

  /** 34 bytes for 32 weights; with the splits that a small matrix wants. */
  private void addQ8(String kernel, ProductShape shape, Maker maker) {
    int splits = splits(shape).size() > 2 && shape.rows() > 1 ? 8 : 1;
    cases.add(
        new KernelCase(
            kernel + (splits == 1 ? "-Q8" : "-Q8/8"),
            shape.text(),
            shape.bytes(34 / 32.0),
            shape.operations(),
            () -> maker.make(ProductShape.Arrays.quants(shape, splits))));
  }
}
