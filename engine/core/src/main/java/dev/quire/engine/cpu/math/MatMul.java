package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Products of weight matrices and rows of activations, on a worker team. A row's result is the same
 * bits in any batch: {@link WeightTiles} defines its sum.
 *
 * <p>With several rows, a worker takes a tile of 64 weight rows at a time, decodes a chunk of it
 * once, and passes it over all rows:
 *
 * <pre>
 *              256 inputs                rows of x, interleaved
 *            ┌─────────────┐            8 rows  8 rows  4  2  1
 *    64 rows │    chunk    │  ──────▶  [ tile ][ tile ][  ][ ][]
 *            └─────────────┘                 out +=
 *    decoded, in the second-level cache
 * </pre>
 *
 * <p>For one calling thread at a time, the team's.
 */
public final class MatMul {
  /** Pieces of work that a worker gets in the mean, so that a delayed one doesn't hold up all. */
  private static final int ITEMS_PER_WORKER = 8;

  /** Pieces of work that a worker gets at least, where tiles can be multiplied together. */
  private static final int LEAST_ITEMS_PER_WORKER = 2;

  /** Most tiles of an item of a single row: as many as are read as one long stream. */
  private static final int MOST_TILES = 8;

  private final WorkerTeam team;
  private final Arithmetic arithmetic;
  private final boolean exact;
  private final Scratch[] scratch;
  private final Product product;
  private final Interleaving interleaving;

  /** Products of activations as they are. */
  public MatMul(WorkerTeam team, Arithmetic arithmetic) {
    this(team, arithmetic, true);
  }

  /**
   * @param exact whether activations stay floats where weights are quantised; otherwise they become
   *     {@link QuantizedRows} there, once for all the matrices of a call
   */
  public MatMul(WorkerTeam team, Arithmetic arithmetic, boolean exact) {
    this.team = team;
    this.arithmetic = arithmetic;
    this.exact = exact;
    this.scratch = Scratch.forEachOf(team);
    this.interleaving = new Interleaving(team);
    this.product = new Product();
  }

  /**
   * {@code out[r · w.outputs + o] = Σ_i w[o, i] · x[r · w.inputs + i]}.
   *
   * @param x {@code [rows × w.inputs]}
   * @param out {@code [rows × w.outputs]}
   */
  public void multiply(Matrix w, float[] x, int rows, float[] out) {
    multiply(w, x, 0, w.inputs(), rows, out, 0, w.outputs());
  }

  /** {@code out[outOffset + r · outStride + o] = Σ_i w[o, i] · x[xOffset + r · xStride + i]}. */
  public void multiply(
      Matrix w,
      float[] x,
      int xOffset,
      int xStride,
      int rows,
      float[] out,
      int outOffset,
      int outStride) {
    if (rows == 0) {
      return;
    }
    checkRange(x, xOffset, xStride, rows, w.inputs());
    checkRange(out, outOffset, outStride, rows, w.outputs());
    product.set(x, xOffset, xStride, rows);
    product.add(w, out, outOffset, outStride);
    product.run();
  }

  /**
   * Several products of the same rows, which share one waking of the team.
   *
   * @param ws matrices of the same {@link Matrix#inputs}
   * @param outs {@code outs[m]} is {@code [rows × ws[m].outputs]}
   */
  public void multiplyAll(List<Matrix> ws, float[] x, int rows, List<float[]> outs) {
    if (rows == 0) {
      return;
    }
    int inputs = ws.getFirst().inputs();
    checkRange(x, 0, inputs, rows, inputs);
    product.set(x, 0, inputs, rows);
    for (int m = 0; m < ws.size(); m++) {
      Matrix w = ws.get(m);
      if (w.inputs() != inputs) {
        throw new IllegalArgumentException(
            "matrices of %d and %d inputs can't share their input".formatted(inputs, w.inputs()));
      }
      checkRange(outs.get(m), 0, w.outputs(), rows, w.outputs());
      product.add(w, outs.get(m), 0, w.outputs());
    }
    product.run();
  }

  private static void checkRange(float[] array, int offset, int stride, int rows, int width) {
    if (offset < 0 || stride < width || offset + (rows - 1L) * stride + width > array.length) {
      throw new IndexOutOfBoundsException(
          "%d rows of %d floats, %d apart, from %d on don't fit an array of %d"
              .formatted(rows, width, stride, offset, array.length));
    }
  }

  private boolean quantizes(WeightTiles w) {
    return !exact && w.layout().takesQuantized();
  }

  /** The products under way, cut into runs of tiles. Reused, so that nothing is allocated. */
  private final class Product implements WorkerTeam.ItemTask {
    private final List<Matrix> matrices = new ArrayList<>();
    private final List<float[]> outs = new ArrayList<>();
    private int[] outOffsets = new int[4];
    private int[] outStrides = new int[4];
    private int[] itemStarts = new int[5];
    private final QuantizedRows byteLevels;
    private final QuantizedRows nibbleLevels;
    private float[] interleaved = {};
    private float[] x = interleaved;
    private int xOffset;
    private int xStride;
    private int rows;
    private int tilesPerItem;

    Product() {
      byteLevels = QuantizedRows.forBytes(arithmetic.mostOfGroup());
      nibbleLevels = QuantizedRows.forNibbles(arithmetic.mostOfGroup());
    }

    void set(float[] newX, int newOffset, int newStride, int newRows) {
      matrices.clear();
      outs.clear();
      x = newX;
      xOffset = newOffset;
      xStride = newStride;
      rows = newRows;
    }

    void add(Matrix w, float[] out, int outOffset, int outStride) {
      int m = matrices.size();
      if (m == outOffsets.length) {
        outOffsets = Arrays.copyOf(outOffsets, 2 * m);
        outStrides = Arrays.copyOf(outStrides, 2 * m);
        itemStarts = Arrays.copyOf(itemStarts, 2 * m + 1);
      }
      matrices.add(w);
      outs.add(out);
      outOffsets[m] = outOffset;
      outStrides[m] = outStride;
    }

    void run() {
      int inputs = matrices.getFirst().inputs();
      long outputs = 0;
      for (int m = 0; m < matrices.size(); m++) {
        outputs += matrices.get(m).outputs();
      }
      int tiles = (int) (outputs / ROWS);
      tilesPerItem = rows == 1 ? tilesOfRow(tiles) : arithmetic.tilesOfSeveral();
      int items = 0;
      for (int m = 0; m < matrices.size(); m++) {
        itemStarts[m] = items;
        items += Math.ceilDiv(matrices.get(m).outputs(), ROWS * tilesPerItem);
      }
      itemStarts[matrices.size()] = items;
      prepare(inputs);
      if (outputs * inputs * rows < Interleaving.SMALL) {
        for (int i = 0; i < items; i++) {
          run(i, 0);
        }
      } else {
        team.forEach(items, this);
      }
      matrices.clear();
      outs.clear();
      x = interleaved;
    }

    /**
     * As many as are multiplied together, and times two, unless that leaves workers without any.
     */
    private int tilesOfRow(int tiles) {
      int most = tiles / team.size();
      if (most >= ITEMS_PER_WORKER * MOST_TILES) {
        return MOST_TILES;
      }
      return most >= LEAST_ITEMS_PER_WORKER * Arithmetic.TILES_TOGETHER
          ? Arithmetic.TILES_TOGETHER
          : 1;
    }

    private void prepare(int inputs) {
      boolean floats = false;
      boolean bytes = false;
      boolean nibbles = false;
      for (int m = 0; m < matrices.size(); m++) {
        WeightTiles tiles = matrices.get(m).tiles();
        if (tiles == null || !quantizes(tiles)) {
          floats = true;
        } else if (tiles.layout().hasNibbles()) {
          nibbles = true;
        } else {
          bytes = true;
        }
      }
      if (bytes) {
        byteLevels.resize(rows, inputs, arithmetic.multipliesWords(false, rows));
        interleaving.run(x, xOffset, xStride, rows, inputs, byteLevels);
      }
      if (nibbles) {
        nibbleLevels.resize(rows, inputs, arithmetic.multipliesWords(true, rows));
        interleaving.run(x, xOffset, xStride, rows, inputs, nibbleLevels);
      }
      if (floats && rows > 1) {
        interleaved = grown(interleaved, Math.multiplyExact(rows, inputs));
        interleaving.run(x, xOffset, xStride, rows, inputs, interleaved);
        x = interleaved;
        xOffset = 0;
      }
    }

    private static float[] grown(float[] array, int length) {
      return array.length < length ? new float[length] : array;
    }

    @Override
    public void run(int item, int worker) {
      int m = 0;
      while (item >= itemStarts[m + 1]) {
        m++;
      }
      Matrix w = matrices.get(m);
      int from = (item - itemStarts[m]) * tilesPerItem;
      int to = Math.min(Math.ceilDiv(w.outputs(), ROWS), from + tilesPerItem);
      WeightTiles tiles = w.tiles();
      if (rows == 1 && tiles != null) {
        row(m, tiles, from, to, scratch[worker]);
        return;
      }
      int tile = from;
      if (to - from > 1 && to * ROWS <= w.outputs() && tiles != null && quantizes(tiles)) {
        arithmetic.quantizedTiles(
            tiles,
            from,
            to - from,
            levels(tiles),
            outs.get(m),
            outOffsets[m] + from * ROWS,
            outStrides[m],
            scratch[worker]);
        tile = to;
      }
      for (; tile < to; tile++) {
        tile(m, w, tile, scratch[worker]);
      }
    }

    private void row(int m, WeightTiles w, int from, int to, Scratch s) {
      float[] out = outs.get(m);
      int whole = Math.min(to, w.outputs() / ROWS);
      for (int tile = from; tile < whole; tile += Arithmetic.TILES_TOGETHER) {
        int some = Math.min(Arithmetic.TILES_TOGETHER, whole - tile);
        rowSums(w, tile, some, out, outOffsets[m] + tile * ROWS, s);
      }
      if (whole < to) {
        float[] results = s.results(ROWS);
        rowSums(w, whole, 1, results, 0, s);
        int outputs = w.outputs() - whole * ROWS;
        System.arraycopy(results, 0, out, outOffsets[m] + whole * ROWS, outputs);
      }
    }

    private void rowSums(WeightTiles w, int tile, int tiles, float[] out, int to, Scratch s) {
      if (quantizes(w)) {
        arithmetic.quantizedRow(w, tile, tiles, levels(w), out, to, s);
      } else {
        arithmetic.product(w, tile, tiles, x, xOffset, out, to, s);
      }
    }

    private QuantizedRows levels(WeightTiles w) {
      return w.layout().hasNibbles() ? nibbleLevels : byteLevels;
    }

    private void tile(int m, Matrix w, int tile, Scratch s) {
      float[] out = outs.get(m);
      int outOffset = outOffsets[m] + tile * ROWS;
      int outputs = Math.min(ROWS, w.outputs() - tile * ROWS);
      if (outputs == ROWS) {
        sums(w, tile, out, outOffset, outStrides[m], s);
        return;
      }
      float[] results = s.results(rows * ROWS);
      sums(w, tile, results, 0, ROWS, s);
      for (int r = 0; r < rows; r++) {
        System.arraycopy(results, r * ROWS, out, outOffset + r * outStrides[m], outputs);
      }
    }

    private void sums(Matrix w, int tile, float[] out, int outOffset, int outStride, Scratch s) {
      WeightTiles tiles = w.tiles();
      if (tiles != null && quantizes(tiles)) {
        arithmetic.quantizedProducts(tiles, tile, levels(tiles), out, outOffset, outStride, s);
        return;
      }
      for (int r = 0; r < rows; r++) {
        Arrays.fill(out, outOffset + r * outStride, outOffset + r * outStride + ROWS, 0);
      }
      for (int from = 0; from < w.inputs(); from += CHUNK) {
        int n = Math.min(CHUNK, w.inputs() - from);
        floats(w, tile, from, n, out, outOffset, outStride, s);
      }
    }

    private void floats(
        Matrix w, int tile, int from, int n, float[] out, int outOffset, int outStride, Scratch s) {
      float[] panel = s.panel(CHUNK * ROWS);
      WeightTiles tiles = w.tiles();
      if (tiles == null) {
        RowPanel.decode(w, tile, from, panel, s);
      } else {
        arithmetic.decode(tiles, tile, from, panel, s);
      }
      for (int r = 0, group; r < rows; r += group) {
        group = Interleaving.group(rows - r);
        int input = xOffset + r * w.inputs() + from * group;
        int to = outOffset + r * outStride;
        arithmetic.multiply(panel, n, x, input, group, out, to, outStride, s);
      }
    }
  }
}
