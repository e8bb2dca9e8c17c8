package dev.quire.bench.kernels;

import dev.quire.kernels.Activations;
import dev.quire.kernels.BroadQuads;
import dev.quire.kernels.LeanDeepQ8;
import dev.quire.kernels.LeanQuads;
import dev.quire.kernels.MediumDeepQ8;
import dev.quire.kernels.MediumQuads;
import dev.quire.kernels.SkinnyDeepQ4;
import dev.quire.kernels.SkinnyDeepQ8;
import dev.quire.kernels.SkinnyProductQ4;
import dev.quire.kernels.SkinnyProductQ8;
import dev.quire.kernels.SkinnyQuads;
import dev.quire.kernels.TiledProductQ4;
import dev.quire.kernels.TiledProductQ8;
import dev.quire.kernels.TiledQuads;
import dev.quire.kernels.WideQuads;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Products of weights and several rows of activations, in tiles, and what they are compared to. */
final class TileCases {
  private static final int DEFAULT_SPLITS = 8;
  private static final String TINY = "tiny";

  /** As few inputs as those kernels take that go through several panels a turn. */
  private static final int DEEP = 2 * SkinnyDeepQ8.TURN;

  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private TileCases() {}

  static List<KernelCase> of(Scale scale) {
    TileCases tiles = new TileCases();
    skinny(scale).forEach(tiles::skinny);
    tiled(scale).forEach(tiles::tiled);
    if (scale == Scale.TINY) {
      tiles.fewRows(new ProductShape(TINY, 64, 20, DEEP, 2));
      tiles.fewRows(new ProductShape(TINY, 64, 40, DEEP, 2));
    }
    return tiles.cases;
  }

  private static List<ProductShape> skinny(Scale scale) {
    if (scale == Scale.TINY) {
      return List.of(new ProductShape(TINY, 64, 5, 96, 2), new ProductShape(TINY, 64, 5, DEEP, 2));
    }
    List<ProductShape> shapes = new ArrayList<>();
    for (int rows : new int[] {8, 16}) {
      addLayer(shapes, rows);
      shapes.add(new ProductShape("1B-head", 128256, rows, 2048, 1));
    }
    addLarge(shapes, 8);
    return shapes;
  }

  private static List<ProductShape> tiled(Scale scale) {
    if (scale == Scale.TINY) {
      return List.of(new ProductShape(TINY, 64, 48, 96, 2));
    }
    List<ProductShape> shapes = new ArrayList<>();
    shapes.add(new ProductShape("square", 4096, 4096, 4096, 1));
    shapes.add(new ProductShape("wide", 8192, 2048, 2048, 1));
    shapes.add(new ProductShape("wide", 8192, 2048, 8192, 1));
    shapes.add(new ProductShape("narrow", 2048, 256, 8192, 4));
    for (int rows : new int[] {32, 64, 128, 160, 192, 256}) {
      addLayer(shapes, rows);
    }
    addLarge(shapes, 32);
    addLarge(shapes, 160);
    addLarge(shapes, 192);
    addLarge(shapes, 256);
    return shapes;
  }

  /** Llama-3.1-8B's matrices of so many layers that they don't stay in the cache. */
  private static void addLarge(List<ProductShape> shapes, int rows) {
    shapes.add(new ProductShape("8B-qkv", 6144, rows, 4096, 4));
    shapes.add(new ProductShape("8B-output", 4096, rows, 4096, 4));
    shapes.add(new ProductShape("8B-gate-up", 28672, rows, 4096, 2));
    shapes.add(new ProductShape("8B-down", 4096, rows, 14336, 2));
  }

  /** Llama-3.2-1B's matrices of 16 layers. */
  private static void addLayer(List<ProductShape> shapes, int rows) {
    shapes.add(new ProductShape("1B-qkv", 3072, rows, 2048, 16));
    shapes.add(new ProductShape("1B-output", 2048, rows, 2048, 16));
    shapes.add(new ProductShape("1B-gate-up", 16384, rows, 2048, 16));
    shapes.add(new ProductShape("1B-down", 2048, rows, 8192, 16));
  }

  private void skinny(ProductShape shape) {
    allSplits("SkinnyQuads", shape, SkinnyQuads::multiplyQuads, SkinnyQuads::grid);
    quants("SkinnyProduct", "-Q8", shape, SkinnyProductQ8::multiply, SkinnyProductQ8::grid);
    boolean deep = SkinnyDeepQ8.takes(shape.inputs(), quantSplits(shape));
    if (deep) {
      quants("SkinnyDeep", "-Q8", shape, SkinnyDeepQ8::multiplyQuads, SkinnyDeepQ8::grid);
    }
    quants("SkinnyProduct", "-Q4", shape, SkinnyProductQ4::multiply, SkinnyProductQ4::grid);
    if (deep) {
      quants("SkinnyDeep", "-Q4", shape, SkinnyDeepQ4::multiplyQuads, SkinnyDeepQ8::grid);
    }
    library(shape);
  }

  private void tiled(ProductShape shape) {
    if (shape.label().endsWith("gate-up") || shape.label().equals(TINY)) {
      gated("TiledQuads-gated", shape, TiledQuads::multiplyQuads, TiledQuads::grid);
      gated("WideQuads-gated", shape, WideQuads::multiplyQuads, WideQuads::grid);
      gated("BroadQuads-gated", shape, BroadQuads::multiplyQuads, BroadQuads::grid);
    }
    fewRows(shape);
    allSplits("WideQuads", shape, WideQuads::multiplyQuads, WideQuads::grid);
    for (int splits : broadSplits(shape)) {
      halves("BroadQuads", shape, splits, BroadQuads::multiplyQuads, BroadQuads::grid);
    }
    allSplits("TiledQuads", shape, TiledQuads::multiplyQuads, TiledQuads::grid);
    quants("TiledProduct", "-Q8", shape, TiledProductQ8::multiplyQuads, TiledProductQ8::grid);
    quants("TiledProduct", "-Q4", shape, TiledProductQ4::multiplyQuads, TiledProductQ4::grid);
    if (!shape.label().startsWith("1B")) {
      naive("NaiveProduct", shape, NaiveProduct::multiply);
      naive("NaiveProduct-tiled", shape, NaiveProduct::multiplyTiled);
    }
    library(shape);
  }

  /** Up to 64 rows, whose weights are most of what is read. */
  private void fewRows(ProductShape shape) {
    if (shape.rows() <= LeanQuads.TILE_ROWS
        && (shape.label().endsWith("gate-up") || shape.label().equals(TINY))) {
      gated("LeanQuads-gated", shape, LeanQuads::multiplyQuads, LeanQuads::grid);
    }
    if (shape.rows() <= LeanQuads.TILE_ROWS) {
      allSplits("LeanQuads", shape, LeanQuads::multiplyQuads, LeanQuads::grid);
    }
    if (shape.rows() <= MediumQuads.TILE_ROWS) {
      allSplits("MediumQuads", shape, MediumQuads::multiplyQuads, MediumQuads::grid);
    }
    if (SkinnyDeepQ8.takes(shape.inputs(), quantSplits(shape))) {
      if (shape.rows() <= LeanDeepQ8.TILE_ROWS) {
        quants("LeanDeep", "-Q8", shape, LeanDeepQ8::multiplyQuads, LeanDeepQ8::grid);
      }
      if (shape.rows() <= MediumDeepQ8.TILE_ROWS) {
        quants("MediumDeep", "-Q8", shape, MediumDeepQ8::multiplyQuads, MediumDeepQ8::grid);
      }
    }
  }

  /** A kernel of halves; all have the same arguments. */
  private interface Halves
      extends TornadoFunctions.Task11<
          KernelContext,
          IntArray,
          HalfFloatArray,
          HalfFloatArray,
          FloatArray,
          HalfFloatArray,
          Integer,
          Integer,
          Integer,
          Integer,
          Integer> {}

  /** A kernel of quants and scales; all have the same arguments. */
  private interface Quants
      extends TornadoFunctions.Task12<
          KernelContext,
          IntArray,
          IntArray,
          HalfFloatArray,
          HalfFloatArray,
          FloatArray,
          HalfFloatArray,
          Integer,
          Integer,
          Integer,
          Integer,
          Integer> {}

  /** A kernel of halves row by row. */
  private interface Rows
      extends TornadoFunctions.Task6<
          KernelContext, HalfFloatArray, HalfFloatArray, FloatArray, Integer, Integer> {}

  @FunctionalInterface
  private interface Grid {
    WorkerGrid of(int rows, int outputs, int splits);
  }

  /** Numbers of parts that the inputs are cut into: several where there are few outputs. */
  private static List<Integer> splits(ProductShape shape) {
    if (shape.outputs() * shape.rows() > 4096 * 256 || shape.outputs() > 8192) {
      return List.of(1);
    }
    return shape.label().equals(TINY) ? List.of(1, 2) : List.of(1, 4, 8, 16);
  }

  private static int quantSplits(ProductShape shape) {
    return splits(shape).size() > 2 ? DEFAULT_SPLITS : 1;
  }

  /** The same of tiles that hold all rows, of which there are fewer. */
  private static List<Integer> broadSplits(ProductShape shape) {
    if (shape.outputs() > 8192 || shape.rows() > 512) {
      return List.of(1);
    }
    return shape.label().equals(TINY) ? List.of(1, 2) : List.of(1, 2, 3, 4, 5, 8);
  }

  private void allSplits(String kernel, ProductShape shape, Halves multiply, Grid grid) {
    splits(shape).forEach(splits -> halves(kernel, shape, splits, multiply, grid));
  }

  private void halves(String kernel, ProductShape shape, int splits, Halves multiply, Grid grid) {
    cases.add(
        ProductCases.halves(
            splits == 1 ? kernel : kernel + "/" + splits,
            shape,
            splits,
            arrays ->
                launch(arrays.work(), arrays, shape, splits, Activations.NONE, multiply, grid)));
  }

  /** Gate and up in one product, whose activation is all that leaves it. */
  private void gated(String kernel, ProductShape shape, Halves multiply, Grid grid) {
    cases.add(
        ProductCases.halves(
            kernel,
            shape,
            1,
            arrays ->
                launch(arrays.gatedWork(), arrays, shape, 1, Activations.SILU, multiply, grid)));
  }

  private KernelWork launch(
      KernelWork work,
      ProductShape.Arrays arrays,
      ProductShape shape,
      int splits,
      int activation,
      Halves multiply,
      Grid grid) {
    return work.launch(
        grid.of(shape.rows(), shape.outputs(), splits),
        (graph, id, i) ->
            graph.task(
                id,
                multiply,
                context,
                arrays.counts,
                arrays.weights.get(i % shape.matrices()),
                arrays.x,
                arrays.out,
                arrays.gated,
                shape.outputs(),
                shape.inputs(),
                splits,
                arrays.partRows,
                activation));
  }

  /**
   * With the splits that a small matrix wants.
   *
   * @param form -Q8 or -Q4
   */
  private void quants(String kernel, String form, ProductShape shape, Quants multiply, Grid grid) {
    int splits = quantSplits(shape);
    String name = kernel + form + (splits == 1 ? "" : "/" + splits);
    ProductCases.Maker maker =
        arrays ->
            arrays
                .work()
                .launch(
                    grid.of(shape.rows(), shape.outputs(), splits),
                    (graph, id, i) ->
                        graph.task(
                            id,
                            multiply,
                            context,
                            arrays.counts,
                            arrays.quants.get(i % shape.matrices()),
                            arrays.scales.get(i % shape.matrices()),
                            arrays.x,
                            arrays.out,
                            arrays.gated,
                            shape.outputs(),
                            shape.inputs(),
                            splits,
                            arrays.partRows,
                            Activations.NONE));
    cases.add(
        form.equals("-Q8")
            ? ProductCases.quants(name, shape, splits, maker)
            : ProductCases.nibbles(name, shape, splits, maker));
  }

  private void naive(String kernel, ProductShape shape, Rows multiply) {
    cases.add(
        new KernelCase(
            kernel,
            shape.text(),
            shape.bytes(2),
            shape.operations(),
            () -> {
              ProductShape.Arrays arrays = ProductShape.Arrays.halves(shape);
              return arrays
                  .work()
                  .launch(
                      NaiveProduct.grid(shape.rows(), shape.outputs()),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              multiply,
                              context,
                              arrays.weights.get(i % shape.matrices()),
                              arrays.x,
                              arrays.out,
                              shape.outputs(),
                              shape.inputs()));
            }));
  }

  private void library(ProductShape shape) {
    if (LibraryProduct.available()) {
      cases.add(LibraryProduct.of(shape));
    }
  }
}
