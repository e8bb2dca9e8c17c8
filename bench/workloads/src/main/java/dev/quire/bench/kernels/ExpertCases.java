package dev.quire.bench.kernels;

import dev.quire.kernels.Activations;
import dev.quire.kernels.ExpertProduct;
import dev.quire.kernels.ExpertProductQ4;
import dev.quire.kernels.ExpertProductQ8;
import dev.quire.kernels.Experts;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.Router;
import dev.quire.kernels.WeightTiles;
import java.util.List;
import java.util.function.Supplier;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** A layer's routing, and the product of the experts that its rows chose, in each form. */
final class ExpertCases {
  private final KernelContext context = new KernelContext();
  private final int rows;
  private final int experts;
  private final int used;
  private final int outputs;
  private final int inputs;

  /**
   * @param outputs of an expert
   */
  ExpertCases(int rows, int experts, int used, int outputs, int inputs) {
    this.rows = rows;
    this.experts = experts;
    this.used = used;
    this.outputs = outputs;
    this.inputs = inputs;
  }

  List<KernelCase> all() {
    double touched = Math.min(experts, rows * used) * (double) outputs * inputs;
    return List.of(
        new KernelCase("Router", shape(), 4.0 * experts * inputs, 0, this::routing),
        product("Experts", 2 * touched, this::halves),
        product("Experts-Q8", 1.0625 * touched, this::quants),
        product("Experts-Q4", 0.625 * touched, this::nibbles));
  }

  private KernelCase product(String name, double bytes, Supplier<KernelWork> work) {
    return new KernelCase(name, shape(), bytes, 2.0 * rows * used * outputs * inputs, work);
  }

  private String shape() {
    return "%d rows, %d of %d of %dx%d".formatted(rows, used, experts, outputs, inputs);
  }

  private KernelWork routing() {
    IntArray counts = IntArray.fromElements(rows);
    FloatArray residual = RandomArrays.floats(rows * inputs, 1, 1);
    FloatArray norm = RandomArrays.floats(inputs, 2, 1);
    FloatArray router = RandomArrays.floats(experts * inputs, 3, 0.05f);
    FloatArray logits = new FloatArray(rows * experts);
    IntArray chosen = new IntArray(rows * used);
    FloatArray shares = new FloatArray(rows * used);
    FloatArray parts = RandomArrays.floats(rows * used * outputs, 4, 1);
    FloatArray out = new FloatArray(rows * outputs);
    return new KernelWork(rows)
        .arrays(counts, residual, norm, router, logits, chosen, shares, parts, out)
        .launch(
            Router.logitsGrid(rows, experts),
            (graph, id, _) ->
                graph.task(
                    id,
                    Router::logits,
                    context,
                    counts,
                    residual,
                    norm,
                    router,
                    logits,
                    experts,
                    inputs,
                    1e-5f,
                    1))
        .launch(
            Router.routeGrid(rows),
            (graph, id, _) ->
                graph.task(
                    id, Router::route, context, counts, logits, chosen, shares, experts, used, 1))
        .launch(
            Experts.combineGrid(rows),
            (graph, id, _) ->
                graph.task(
                    id, Experts::combine, context, counts, shares, parts, out, used, outputs));
  }

  /** What a product takes besides its weights; each pair has another expert, while there are. */
  private final class Pairs {
    final IntArray counts = IntArray.fromElements(rows * used);
    final IntArray chosen = new IntArray(rows * used);
    final HalfFloatArray x = RandomArrays.halves(rows * inputs, 3, 1);
    final FloatArray out = new FloatArray(rows * used * outputs);
    final HalfFloatArray none = new HalfFloatArray(1);

    Pairs() {
      for (int p = 0; p < rows * used; p++) {
        chosen.set(p, p % experts);
      }
    }
  }

  private KernelWork halves() {
    HalfFloatArray weights =
        RandomArrays.halves(count(WeightTiles.elements(experts * outputs, inputs)), 1, 0.05f);
    Pairs pairs = new Pairs();
    FloatArray x = RandomArrays.floats(rows * inputs, 3, 1);
    return new KernelWork(rows)
        .arrays(pairs.counts, pairs.chosen, weights, pairs.none, pairs.out, x)
        .launch(
            ExpertProduct.grid(rows * used, outputs, Activations.NONE),
            (graph, id, _) ->
                graph.task(
                    id,
                    ExpertProduct::multiply,
                    context,
                    pairs.counts,
                    pairs.chosen,
                    weights,
                    pairs.none,
                    pairs.out,
                    x,
                    outputs,
                    inputs,
                    used,
                    Activations.NONE));
  }

  private KernelWork quants() {
    IntArray quants = RandomArrays.ints(count(QuantTiles.quants(experts * outputs, inputs)), 1);
    HalfFloatArray scales =
        RandomArrays.halves(count(QuantTiles.scales(experts * outputs, inputs)), 2, 0.001f);
    Pairs pairs = new Pairs();
    return new KernelWork(rows)
        .arrays(pairs.counts, pairs.chosen, quants, scales, pairs.x, pairs.out, pairs.none)
        .launch(
            ExpertProduct.grid(rows * used, outputs, Activations.NONE),
            (graph, id, _) ->
                graph.task(
                    id,
                    ExpertProductQ8::multiply,
                    context,
                    pairs.counts,
                    pairs.chosen,
                    quants,
                    scales,
                    pairs.x,
                    pairs.out,
                    pairs.none,
                    outputs,
                    inputs,
                    used,
                    Activations.NONE));
  }

  private KernelWork nibbles() {
    IntArray nibbles = RandomArrays.ints(count(NibbleTiles.nibbles(experts * outputs, inputs)), 1);
    HalfFloatArray steps =
        RandomArrays.halves(count(NibbleTiles.steps(experts * outputs, inputs)), 2, 0.01f);
    Pairs pairs = new Pairs();
    return new KernelWork(rows)
        .arrays(pairs.counts, pairs.chosen, nibbles, steps, pairs.x, pairs.out, pairs.none)
        .launch(
            ExpertProduct.grid(rows * used, outputs, Activations.NONE),
            (graph, id, _) ->
                graph.task(
                    id,
                    ExpertProductQ4::multiply,
                    context,
                    pairs.counts,
                    pairs.chosen,
                    nibbles,
                    steps,
                    pairs.x,
                    pairs.out,
                    pairs.none,
                    outputs,
                    inputs,
                    used,
                    Activations.NONE));
  }

  private static int count(long elements) {
    return Math.toIntExact(elements);
  }
}
