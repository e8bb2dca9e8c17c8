package dev.quire.bench.kernels;

import dev.quire.kernels.Argmax;
import dev.quire.kernels.BlockCopy;
import dev.quire.kernels.RmsNorm;
import dev.quire.kernels.RotaryCache;
import dev.quire.kernels.Sampling;
import dev.quire.kernels.SiluMultiply;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What works row by row, sampling, and copies of cache blocks. */
final class RowCases {
  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private RowCases() {}

  static List<KernelCase> of(Scale scale) {
    RowCases rows = new RowCases();
    if (scale == Scale.TINY) {
      rows.norm(3, 64);
      rows.silu(3, 96);
      rows.rotary(3, 4, 2, 32, 16);
      rows.sampling(2, 500);
      rows.copies(4, 256);
    } else {
      for (int count : new int[] {1, 128, 2048}) {
        rows.norm(count, 2048);
        rows.silu(count, 8192);
        rows.rotary(count, 32, 8, 64, 16);
      }
      rows.sampling(1, 128256);
      rows.sampling(128, 128256);
      rows.copies(1024, 8 * 16 * 64);
    }
    return rows.cases;
  }

  private void norm(int rows, int width) {
    cases.add(
        new KernelCase(
            "RmsNorm-add",
            rows + "x" + width,
            14.0 * rows * width + 4.0 * width,
            0,
            () -> {
              FloatArray residual = RandomArrays.floats(rows * width, 1, 1);
              FloatArray delta = RandomArrays.floats(rows * width, 2, 1);
              FloatArray weight = RandomArrays.floats(width, 3, 1);
              HalfFloatArray out = new HalfFloatArray(rows * width);
              IntArray counts = IntArray.fromElements(rows);
              return new KernelWork(rows)
                  .arrays(counts, residual, delta, weight, out)
                  .check(() -> normError(residual, weight, out, rows, width), residual, out)
                  .launch(
                      RmsNorm.grid(rows),
                      (graph, id, _) ->
                          graph.task(
                              id,
                              RmsNorm::addNormalize,
                              context,
                              counts,
                              residual,
                              delta,
                              weight,
                              out,
                              width,
                              1e-5f));
            }));
  }

  /** Of the last row, against the residual stream as the repetitions left it. */
  private static double normError(
      FloatArray residual, FloatArray weight, HalfFloatArray out, int rows, int width) {
    int first = (rows - 1) * width;
    double squares = 0;
    for (int i = 0; i < width; i++) {
      squares += residual.get(first + i) * (double) residual.get(first + i);
    }
    double scale = 1 / Math.sqrt(squares / width + 1e-5);
    double worst = 0;
    for (int i = 0; i < width; i++) {
      double expected = residual.get(first + i) * scale * weight.get(i);
      worst = Math.max(worst, Math.abs(expected - out.get(first + i).getFloat32()));
    }
    return worst;
  }

  private void silu(int rows, int hidden) {
    cases.add(
        new KernelCase(
            "SiluMultiply",
            rows + "x" + hidden,
            10.0 * rows * hidden,
            0,
            () -> {
              FloatArray gateUp = RandomArrays.floats(rows * 2 * hidden, 1, 1);
              HalfFloatArray out = new HalfFloatArray(rows * hidden);
              IntArray counts = IntArray.fromElements(rows);
              return new KernelWork(rows)
                  .arrays(counts, gateUp, out)
                  .check(() -> siluError(gateUp, out, rows, hidden), out)
                  .launch(
                      SiluMultiply.grid(rows, hidden),
                      (graph, id, _) ->
                          graph.task(
                              id, SiluMultiply::apply, context, counts, gateUp, out, hidden));
            }));
  }

  private static double siluError(FloatArray gateUp, HalfFloatArray out, int rows, int hidden) {
    double worst = 0;
    int row = rows - 1;
    for (int i = 0; i < hidden; i++) {
      float gate = gateUp.get(row * 2 * hidden + i);
      float up = gateUp.get(row * 2 * hidden + hidden + i);
      double off = SiluMultiply.reference(gate, up) - out.get(row * hidden + i).getFloat32();
      worst = Math.max(worst, Math.abs(off) / 4);
    }
    return worst;
  }

  private void rotary(int rows, int heads, int kvHeads, int headSize, int blockSize) {
    int width = (heads + 2 * kvHeads) * headSize;
    cases.add(
        new KernelCase(
            "RotaryCache",
            rows + "x" + width,
            6.0 * rows * width,
            0,
            () -> {
              FloatArray qkv = RandomArrays.floats(rows * width, 1, 1);
              IntArray positions = new IntArray(rows);
              IntArray slots = new IntArray(rows);
              for (int r = 0; r < rows; r++) {
                positions.set(r, r);
                slots.set(r, r);
              }
              FloatArray frequencies = RandomArrays.floats(headSize / 2, 2, 0.1f);
              HalfFloatArray queries = new HalfFloatArray(rows * heads * headSize);
              int slotCount = Math.ceilDiv(rows, blockSize) * blockSize;
              HalfFloatArray keys = new HalfFloatArray(slotCount * kvHeads * headSize);
              HalfFloatArray values = new HalfFloatArray(slotCount * kvHeads * headSize);
              IntArray counts = IntArray.fromElements(rows);
              return new KernelWork(rows)
                  .arrays(counts, qkv, positions, slots, frequencies, queries, keys, values)
                  .launch(
                      RotaryCache.grid(rows, heads, kvHeads),
                      (graph, id, _) ->
                          graph.task(
                              id,
                              RotaryCache::rotateAndStore,
                              context,
                              counts,
                              qkv,
                              positions,
                              slots,
                              frequencies,
                              frequencies,
                              frequencies,
                              queries,
                              keys,
                              values,
                              heads,
                              kvHeads,
                              headSize,
                              blockSize,
                              headSize,
                              headSize / 2,
                              1.0f,
                              0,
                              1e-5f));
            }));
  }

  private void sampling(int rows, int vocabulary) {
    draw("Argmax", rows, vocabulary, 0, 0, 1);
    draw("Sampling-top-k", rows, vocabulary, 0.8f, 40, 0.95f);
    draw("Sampling-all", rows, vocabulary, 0.8f, 0, 1);
  }

  /** The best of all slices, and what is drawn of them. */
  private void draw(
      String name, int rows, int vocabulary, float temperature, float topK, float topP) {
    cases.add(
        new KernelCase(
            name,
            rows + "x" + vocabulary,
            4.0 * rows * vocabulary,
            0,
            () -> {
              int slices = Argmax.slices(vocabulary);
              FloatArray logits = RandomArrays.floats(rows * vocabulary, 1, 3);
              FloatArray parameters = new FloatArray(rows * Sampling.PARAMETERS);
              for (int r = 0; r < rows; r++) {
                float[] row = {temperature, topK, topP, 0, (r + 0.5f) / rows};
                for (int i = 0; i < row.length; i++) {
                  parameters.set(r * Sampling.PARAMETERS + i, row[i]);
                }
              }
              FloatArray best = new FloatArray(rows * slices);
              IntArray bestTokens = new IntArray(rows * slices);
              IntArray tokens = new IntArray(rows);
              IntArray counts = IntArray.fromElements(rows);
              KernelWork work =
                  new KernelWork(rows)
                      .arrays(counts, logits, best, bestTokens, parameters, tokens)
                      .launch(
                          Argmax.grid(rows, vocabulary),
                          (graph, id, _) ->
                              graph.task(
                                  id,
                                  Argmax::slice,
                                  context,
                                  counts,
                                  logits,
                                  best,
                                  bestTokens,
                                  vocabulary,
                                  slices))
                      .launch(
                          Sampling.grid(rows),
                          (graph, id, _) ->
                              graph.task(
                                  id,
                                  Sampling::draw,
                                  context,
                                  counts,
                                  logits,
                                  best,
                                  bestTokens,
                                  parameters,
                                  tokens,
                                  vocabulary,
                                  slices));
              return temperature > 0
                  ? work
                  : work.check(() -> wrongTokens(logits, tokens, vocabulary), tokens);
            }));
  }

  /** The share of rows whose token is not the largest. */
  private static double wrongTokens(FloatArray logits, IntArray tokens, int vocabulary) {
    int wrong = 0;
    for (int r = 0; r < tokens.getSize(); r++) {
      float[] row = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        row[i] = logits.get(r * vocabulary + i);
      }
      wrong += tokens.get(r) == Argmax.reference(row) ? 0 : 1;
    }
    return wrong / (double) tokens.getSize();
  }

  /** Copy-on-write of many blocks in one launch; keys and values. */
  private void copies(int pairs, int blockElements) {
    cases.add(
        new KernelCase(
            "BlockCopy",
            pairs + " blocks of " + blockElements,
            8.0 * pairs * blockElements,
            0,
            () -> {
              IntArray numbers = new IntArray(2 * pairs);
              for (int i = 0; i < pairs; i++) {
                numbers.set(2 * i, i);
                numbers.set(2 * i + 1, pairs + (i * 7) % pairs);
              }
              HalfFloatArray keys = RandomArrays.halves(2 * pairs * blockElements, 1, 1);
              HalfFloatArray values = RandomArrays.halves(2 * pairs * blockElements, 2, 1);
              IntArray counts = IntArray.fromElements(pairs);
              return new KernelWork(0)
                  .arrays(counts, numbers, keys, values)
                  .launch(
                      BlockCopy.grid(pairs),
                      (graph, id, _) ->
                          graph.task(
                              id,
                              BlockCopy::copy,
                              context,
                              counts,
                              numbers,
                              keys,
                              values,
                              blockElements));
            }));
  }
}
