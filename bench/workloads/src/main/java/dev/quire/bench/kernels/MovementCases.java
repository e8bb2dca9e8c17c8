package dev.quire.bench.kernels;

import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.Probe;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.Rows;
import dev.quire.kernels.StepScatter;
import dev.quire.kernels.TilePacker;
import dev.quire.kernels.WeightTiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.function.Supplier;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What brings numbers to their places: a step's arrays, wanted rows, weights into tiles. */
final class MovementCases {
  private static final int SAMPLES = 64;

  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private MovementCases() {}

  static List<KernelCase> of(Scale scale) {
    MovementCases all = new MovementCases();
    boolean tiny = scale == Scale.TINY;
    all.scatter(tiny ? 5 : 256, tiny ? 2 : 16);
    all.gather(tiny ? 3 : 128, tiny ? 64 : 2048);
    all.probe(tiny ? 1000 : 1 << 20);
    int outputs = tiny ? 24 : 8192;
    int inputs = tiny ? 96 : 2048;
    all.packHalves(outputs, inputs);
    all.packBrains(outputs, inputs);
    all.unpackQuants(outputs, inputs);
    all.unpackNibbles(outputs, inputs);
    return all.cases;
  }

  private void add(String kernel, String shape, double bytes, Supplier<KernelWork> work) {
    cases.add(new KernelCase(kernel, shape, bytes, 0, work));
  }

  /** The largest difference of what some elements of a matrix are and should be. */
  private static double error(int outputs, int inputs, IntToDoubleFunction difference) {
    Random random = new Random(5);
    double worst = 0;
    for (int sample = 0; sample < SAMPLES; sample++) {
      int element = random.nextInt(outputs * inputs);
      worst = Math.max(worst, Math.abs(difference.applyAsDouble(element)));
    }
    return worst;
  }

  /** A step of single tokens, of which some begin a new block. */
  private void scatter(int rows, int changes) {
    add(
        "StepScatter",
        rows + " rows",
        8.0 * (5 * rows + 2 * changes),
        () -> {
          int header = StepScatter.CACHE_GROUPS + StepScatter.PER_CACHE_GROUP;
          IntArray packed = new IntArray(header + 6 * rows + 2 * changes);
          Random random = new Random(1);
          for (int i = 0; i < packed.getSize(); i++) {
            packed.set(i, random.nextInt(1 << 16));
          }
          int[] head = {rows, 128, 0, 0, rows, rows};
          for (int i = 0; i < head.length; i++) {
            packed.set(i, head[i]);
          }
          // Tokens, positions, sequences, lengths, no tiles, wanted rows, slots.
          int[] begin = {0, rows, 2 * rows, 3 * rows, 4 * rows, 4 * rows};
          for (int part = 0; part < begin.length; part++) {
            packed.set(StepScatter.PARTS + part, header + begin[part]);
          }
          packed.set(StepScatter.CACHE_GROUPS, header + 5 * rows);
          packed.set(StepScatter.CACHE_GROUPS + 1, header + 6 * rows);
          packed.set(StepScatter.CACHE_GROUPS + 2, changes);
          for (int i = 0; i < changes; i++) {
            packed.set(header + 6 * rows + 2 * i, i);
          }
          IntArray counts = new IntArray(3);
          IntArray tileCounts = new IntArray(1);
          IntArray pairCounts = new IntArray(1);
          IntArray wantedCounts = new IntArray(1);
          IntArray tokens = new IntArray(rows);
          IntArray positions = new IntArray(rows);
          IntArray sequences = new IntArray(rows);
          IntArray lengths = new IntArray(rows);
          IntArray tiles = new IntArray(1);
          IntArray wanted = new IntArray(rows);
          IntArray slots = new IntArray(rows);
          IntArray tables = new IntArray(rows + changes);
          return new KernelWork(rows)
              .arrays(packed, counts, tileCounts, pairCounts, wantedCounts, tokens, positions)
              .arrays(sequences, lengths, tiles, wanted, slots, tables)
              .check(
                  () ->
                      Math.abs(slots.get(rows - 1) - packed.get(header + 6 * rows - 1))
                          + Math.abs(tables.get(changes - 1) - packed.get(packed.getSize() - 1)),
                  slots,
                  tables)
              .launch(
                  StepScatter.grid(),
                  (graph, id, _) ->
                      graph.task(
                          id,
                          StepScatter::scatter,
                          context,
                          packed,
                          counts,
                          tileCounts,
                          pairCounts,
                          wantedCounts,
                          tokens,
                          positions,
                          sequences,
                          lengths,
                          tiles,
                          wanted,
                          slots,
                          tables));
        });
  }

  private void gather(int rows, int width) {
    add(
        "Rows.gather",
        rows + "x" + width,
        8.0 * rows * width,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          IntArray wanted = new IntArray(rows);
          for (int r = 0; r < rows; r++) {
            wanted.set(r, rows - 1 - r);
          }
          FloatArray source = RandomArrays.floats(rows * width, 1, 1);
          FloatArray target = new FloatArray(rows * width);
          return new KernelWork(rows)
              .arrays(counts, wanted, source, target)
              .check(
                  () ->
                      error(
                          rows,
                          width,
                          i ->
                              target.get(i)
                                  - source.get((rows - 1 - i / width) * width + i % width)),
                  target)
              .launch(
                  Rows.grid(rows),
                  (graph, id, _) ->
                      graph.task(id, Rows::gather, context, counts, wanted, source, target, width));
        });
  }

  private void probe(int elements) {
    int first = elements - Probe.GROUP;
    add(
        "Probe",
        "the end of " + elements,
        6.0 * Probe.GROUP,
        () -> {
          IntArray ready = IntArray.fromElements(1);
          HalfFloatArray array = RandomArrays.halves(elements, 1, 1);
          FloatArray out = new FloatArray(Probe.GROUP);
          return new KernelWork(0)
              .arrays(ready, array, out)
              .check(
                  () -> error(1, Probe.GROUP, i -> out.get(i) - array.get(first + i).getFloat32()),
                  out)
              .launch(
                  Probe.grid(),
                  (graph, id, _) ->
                      graph.task(
                          id, Probe::halves, context, ready, array, out, first, Probe.GROUP));
        });
  }

  /** A piece of a matrix as files have it. */
  private void packHalves(int outputs, int inputs) {
    add(
        "TilePacker",
        outputs + "x" + inputs,
        4.0 * outputs * inputs,
        () -> {
          IntArray part = IntArray.fromElements(0, outputs / WeightTiles.OUTPUTS);
          HalfFloatArray staged = RandomArrays.halves(outputs * inputs, 1, 1);
          HalfFloatArray weights = tiles(outputs, inputs);
          return new KernelWork(0)
              .arrays(part, staged, weights)
              .check(
                  () ->
                      error(
                          outputs,
                          inputs,
                          i -> at(weights, i, inputs) - staged.get(i).getFloat32()),
                  weights)
              .launch(
                  TilePacker.grid(outputs / WeightTiles.OUTPUTS, inputs),
                  (graph, id, _) ->
                      graph.task(id, TilePacker::halves, context, part, staged, weights, inputs));
        });
  }

  private void packBrains(int outputs, int inputs) {
    add(
        "TilePacker-BF16",
        outputs + "x" + inputs,
        4.0 * outputs * inputs,
        () -> {
          IntArray part = IntArray.fromElements(0, outputs / WeightTiles.OUTPUTS);
          IntArray staged = Bf16Cases.brains(outputs * inputs / 2, 1);
          FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
          HalfFloatArray weights = tiles(outputs, inputs);
          return new KernelWork(0)
              .arrays(part, staged, scales, weights)
              .check(
                  () ->
                      error(
                          outputs,
                          inputs,
                          i -> at(weights, i, inputs) - Bf16Cases.value(staged, i)),
                  weights)
              .launch(
                  TilePacker.grid(outputs / WeightTiles.OUTPUTS, inputs),
                  (graph, id, _) ->
                      graph.task(
                          id, TilePacker::brains, context, part, staged, scales, weights, inputs));
        });
  }

  /** As before the products of more than 64 rows. */
  private void unpackQuants(int outputs, int inputs) {
    int count = Math.toIntExact(QuantTiles.quants(outputs, inputs)) - QuantTiles.START;
    add(
        "QuantTiles.unpack",
        outputs + "x" + inputs,
        (34 / 32.0 + 2) * outputs * inputs,
        () -> {
          ProductShape.Arrays from = ProductShape.Arrays.quants(matrix(outputs, inputs), 1);
          IntArray quants = from.quants.getFirst();
          HalfFloatArray scales = from.scales.getFirst();
          HalfFloatArray weights = tiles(outputs, inputs);
          return new KernelWork(0)
              .arrays(quants, scales, weights)
              .check(() -> unpackError(from, weights, outputs, inputs), weights)
              .launch(
                  QuantTiles.grid(count),
                  (graph, id, _) ->
                      graph.task(id, QuantTiles::unpack, context, quants, scales, weights, count));
        });
  }

  private void unpackNibbles(int outputs, int inputs) {
    int count = Math.toIntExact(NibbleTiles.nibbles(outputs, inputs)) - NibbleTiles.START;
    add(
        "NibbleTiles.unpack",
        outputs + "x" + inputs,
        (20 / 32.0 + 2) * outputs * inputs,
        () -> {
          ProductShape.Arrays from = ProductShape.Arrays.nibbles(matrix(outputs, inputs), 1);
          IntArray nibbles = from.quants.getFirst();
          HalfFloatArray steps = from.scales.getFirst();
          HalfFloatArray weights = tiles(outputs, inputs);
          return new KernelWork(0)
              .arrays(nibbles, steps, weights)
              .check(() -> unpackError(from, weights, outputs, inputs), weights)
              .launch(
                  NibbleTiles.grid(count),
                  (graph, id, _) ->
                      graph.task(
                          id,
                          NibbleTiles::unpack,
                          context,
                          nibbles,
                          steps,
                          weights,
                          inputs,
                          count));
        });
  }

  private static ProductShape matrix(int outputs, int inputs) {
    return new ProductShape("", outputs, 1, inputs, 1);
  }

  private static double unpackError(
      ProductShape.Arrays from, HalfFloatArray weights, int outputs, int inputs) {
    return error(
        outputs, inputs, i -> at(weights, i, inputs) - from.weight(0, i / inputs, i % inputs));
  }

  private static HalfFloatArray tiles(int outputs, int inputs) {
    return new HalfFloatArray(Math.toIntExact(WeightTiles.elements(outputs, inputs)));
  }

  private static float at(HalfFloatArray weights, int element, int inputs) {
    return weights.get(WeightTiles.at(element / inputs, element % inputs, inputs)).getFloat32();
  }
}
