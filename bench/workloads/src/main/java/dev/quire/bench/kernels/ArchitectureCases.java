package dev.quire.bench.kernels;

import dev.quire.kernels.BlockSwap;
import dev.quire.kernels.Embedding;
import dev.quire.kernels.GeluMultiply;
import dev.quire.kernels.HeadNorm;
import dev.quire.kernels.PartSums;
import dev.quire.kernels.RowAttention;
import dev.quire.kernels.Rows;
import dev.quire.kernels.SandwichNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What some architectures have, or a step beside its layers: not every decode step's time. */
final class ArchitectureCases {
  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private ArchitectureCases() {}

  static List<KernelCase> of(Scale scale) {
    ArchitectureCases all = new ArchitectureCases();
    if (scale == Scale.TINY) {
      all.rows(3, 64, 500);
      all.cases.addAll(new ExpertCases(3, 4, 2, 32, 64).all());
      all.attention(3, 40, 4, 2, 32);
      all.swap(4, 256, 2);
    } else {
      all.rows(128, 2048, 128256);
      all.cases.addAll(new ExpertCases(64, 8, 2, 4096, 1024).all());
      all.cases.addAll(new ExpertCases(1, 128, 8, 1536, 2048).all());
      all.attention(32, 1024, 32, 8, 256);
      all.swap(1024, 8 * 16 * 64, 16);
    }
    return all.cases;
  }

  private void add(String kernel, String shape, double bytes, Supplier<KernelWork> work) {
    cases.add(new KernelCase(kernel, shape, bytes, 0, work));
  }

  private void rows(int rows, int width, int vocabulary) {
    String shape = rows + "x" + width;
    double elements = (double) rows * width;
    add(
        "Embedding",
        shape,
        6 * elements,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          IntArray tokens = new IntArray(rows);
          for (int r = 0; r < rows; r++) {
            tokens.set(r, r * 97 % vocabulary);
          }
          HalfFloatArray table = RandomArrays.halves(vocabulary * width, 1, 1);
          FloatArray residual = new FloatArray(rows * width);
          return new KernelWork(rows)
              .arrays(counts, tokens, table, residual)
              .launch(
                  Embedding.grid(rows),
                  (graph, id, _) ->
                      graph.task(
                          id, Embedding::gather, context, counts, tokens, table, residual, width));
        });
    add(
        "GeluMultiply",
        shape,
        10 * elements,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          FloatArray gateUp = RandomArrays.floats(2 * rows * width, 1, 1);
          HalfFloatArray out = new HalfFloatArray(rows * width);
          return new KernelWork(rows)
              .arrays(counts, gateUp, out)
              .launch(
                  GeluMultiply.grid(rows, width),
                  (graph, id, _) ->
                      graph.task(id, GeluMultiply::apply, context, counts, gateUp, out, width));
        });
    add(
        "SandwichNorm",
        shape,
        12 * elements,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          FloatArray residual = RandomArrays.floats(rows * width, 1, 1);
          FloatArray delta = RandomArrays.floats(rows * width, 2, 1);
          FloatArray weight = RandomArrays.floats(width, 3, 1);
          return new KernelWork(rows)
              .arrays(counts, residual, delta, weight)
              .launch(
                  SandwichNorm.grid(rows),
                  (graph, id, _) ->
                      graph.task(
                          id,
                          SandwichNorm::normalizeAndAdd,
                          context,
                          counts,
                          residual,
                          delta,
                          weight,
                          width,
                          1e-5f,
                          1.0f));
        });
    add(
        "HeadNorm",
        shape + " heads of 32",
        8 * elements,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          int slices = width / 32;
          FloatArray qkv = RandomArrays.floats(rows * width, 1, 1);
          FloatArray queryWeight = RandomArrays.floats(32, 2, 1);
          FloatArray keyWeight = RandomArrays.floats(32, 3, 1);
          return new KernelWork(rows)
              .arrays(counts, qkv, queryWeight, keyWeight)
              .launch(
                  HeadNorm.grid(rows, slices),
                  (graph, id, _) ->
                      graph.task(
                          id,
                          HeadNorm::normalizeHeads,
                          context,
                          counts,
                          qkv,
                          queryWeight,
                          keyWeight,
                          slices / 2,
                          32,
                          32,
                          width,
                          1e-5f));
        });
    add(
        "PartSums of 4",
        shape,
        20 * elements,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          FloatArray parts = RandomArrays.floats(4 * rows * width, 1, 1);
          FloatArray out = new FloatArray(rows * width);
          return new KernelWork(rows)
              .arrays(counts, parts, out)
              .launch(
                  PartSums.grid(rows, width),
                  (graph, id, _) ->
                      graph.task(id, PartSums::add, context, counts, parts, out, width, 4, rows));
        });
    add(
        "Rows.finishLogits",
        rows + "x" + vocabulary,
        8.0 * rows * vocabulary,
        () -> {
          IntArray counts = IntArray.fromElements(rows);
          FloatArray logits = RandomArrays.floats(rows * vocabulary, 1, 1);
          return new KernelWork(rows)
              .arrays(counts, logits)
              .launch(
                  Rows.grid(rows),
                  (graph, id, _) ->
                      graph.task(
                          id,
                          Rows::finishLogits,
                          context,
                          counts,
                          logits,
                          vocabulary,
                          vocabulary,
                          0.5f,
                          30.0f));
        });
  }

  /** Single queries by the kernel for heads of any size. */
  private void attention(int sequences, int length, int heads, int kvHeads, int headSize) {
    int blockSize = 8;
    AttentionShape shape =
        new AttentionShape("any head", sequences, length, heads, kvHeads, headSize, blockSize, 1);
    cases.add(
        new KernelCase(
            "RowAttention",
            shape.text() + " heads of " + headSize,
            shape.bytes(),
            shape.operations(),
            () -> {
              AttentionShape.Arrays arrays = new AttentionShape.Arrays(shape, true);
              IntArray numbers = new IntArray(sequences);
              IntArray positions = new IntArray(sequences);
              for (int s = 0; s < sequences; s++) {
                numbers.set(s, s);
                positions.set(s, length - 1);
              }
              return arrays
                  .work()
                  .arrays(numbers, positions)
                  .launch(
                      RowAttention.grid(sequences, heads),
                      (graph, id, _) ->
                          graph.task(
                              id,
                              RowAttention::attend,
                              context,
                              arrays.counts,
                              numbers,
                              positions,
                              arrays.queries,
                              arrays.keys,
                              arrays.values,
                              arrays.tables,
                              arrays.out,
                              heads,
                              kvHeads,
                              headSize,
                              blockSize,
                              shape.tableWidth(),
                              0,
                              shape.scale(),
                              0.0f));
            }));
  }

  /** Scattered blocks of one layer to the staging array of a swap, and back. */
  private void swap(int blocks, int blockElements, int layers) {
    int record = 2 * blockElements * layers;
    String shape = blocks + " blocks of " + blockElements;
    for (boolean out : new boolean[] {true, false}) {
      add(
          out ? "BlockSwap out" : "BlockSwap in",
          shape,
          8.0 * blocks * blockElements,
          () -> {
            IntArray list = new IntArray(1 + blocks);
            list.set(0, blocks);
            for (int i = 0; i < blocks; i++) {
              list.set(1 + i, (i * 7 + 3) % blocks);
            }
            IntArray place = IntArray.fromElements(0);
            HalfFloatArray keys = RandomArrays.halves(blocks * blockElements, 1, 1);
            HalfFloatArray values = RandomArrays.halves(blocks * blockElements, 2, 1);
            HalfFloatArray staging = RandomArrays.halves(blocks * record, 3, 1);
            return new KernelWork(0)
                .arrays(list, place, keys, values, staging)
                .launch(
                    BlockSwap.grid(blocks),
                    (graph, id, _) ->
                        out
                            ? graph.task(
                                id,
                                BlockSwap::gather,
                                context,
                                list,
                                place,
                                keys,
                                values,
                                staging,
                                blockElements,
                                record)
                            : graph.task(
                                id,
                                BlockSwap::scatter,
                                context,
                                list,
                                place,
                                staging,
                                keys,
                                values,
                                blockElements,
                                record));
          });
    }
  }
}
