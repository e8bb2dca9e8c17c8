package dev.quire.engine.cpu.math;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Products of weight matrices and rows of activations, on a worker team. A row's result is the same
 * bits in any batch.
 *
 * <p>With several rows, a worker takes a panel of weight rows at a time, decodes it once, and
 * passes it tile by tile over all rows:
 *
 * <pre>
 *            inputs                     rows of x
 *         ┌───────────┐              6 rows  6 rows  …
 *         │ 4 outputs │  ──────▶   [ tile ][ tile ]
 *   panel │ 4 outputs │  ──────▶   [ tile ][ tile ]
 *         │     …     │                out
 *         └───────────┘
 *    decoded, in the second-level cache
 * </pre>
 *
 * <p>For one calling thread at a time, the team's.
 */
public final class MatMul {
  /** Decoded floats of a panel: half of a second-level cache of 1 MiB. */
  private static final int PANEL_FLOATS = 128 * 1024;

  /** Products that are worth waking the team for. */
  private static final long SMALL = 16 * 1024;

  /** Chunks of work that a worker gets in the mean, so that a delayed one doesn't hold up all. */
  private static final int CHUNKS_PER_WORKER = 8;

  private static final int MOST_SINGLE_ROW_OUTPUTS = 256;

  /** Weight rows of a chunk come in multiples of this. */
  private static final int CHUNK_UNIT = 8;

  private final WorkerTeam team;
  private final Arithmetic arithmetic;
  private final Scratch[] scratch;
  private final Product product = new Product();

  public MatMul(WorkerTeam team, Arithmetic arithmetic) {
    this.team = team;
    this.arithmetic = arithmetic;
    this.scratch = Scratch.forEachOf(team);
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

  /**
   * The products under way, cut into chunks of weight rows. Reused, so that nothing is allocated.
   */
  private final class Product implements WorkerTeam.ItemTask {
    private final List<Matrix> matrices = new ArrayList<>();
    private final List<float[]> outs = new ArrayList<>();
    private int[] outOffsets = new int[4];
    private int[] outStrides = new int[4];
    private int[] chunkStarts = new int[5];
    private float[] packed = {};
    private float[] x = packed;
    private int xOffset;
    private int xStride;
    private int rows;
    private int chunkOutputs;

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
        chunkStarts = Arrays.copyOf(chunkStarts, 2 * m + 1);
      }
      matrices.add(w);
      outs.add(out);
      outOffsets[m] = outOffset;
      outStrides[m] = outStride;
    }

    void run() {
      int inputs = matrices.getFirst().inputs();
      long outputs = 0;
      for (Matrix w : matrices) {
        outputs += w.outputs();
      }
      int most = rows == 1 ? MOST_SINGLE_ROW_OUTPUTS : PANEL_FLOATS / pitch(inputs);
      long even = outputs / ((long) CHUNKS_PER_WORKER * team.size());
      chunkOutputs = (int) Math.max(1, Math.min(most, even) / CHUNK_UNIT) * CHUNK_UNIT;
      int chunks = 0;
      for (int m = 0; m < matrices.size(); m++) {
        chunkStarts[m] = chunks;
        chunks += Math.ceilDiv(matrices.get(m).outputs(), chunkOutputs);
      }
      chunkStarts[matrices.size()] = chunks;
      if (rows > 1) {
        pack(inputs);
      }
      if (outputs * inputs * rows < SMALL) {
        for (int i = 0; i < chunks; i++) {
          run(i, 0);
        }
      } else {
        team.forEach(chunks, this);
      }
      matrices.clear();
      outs.clear();
      x = packed;
    }

    /** Copies the rows to where they are {@link #pitch} apart, with zeros up to whole vectors. */
    private void pack(int inputs) {
      int pitch = pitch(inputs);
      int length = Math.multiplyExact(rows, pitch);
      if (packed.length < length) {
        packed = new float[length];
      }
      for (int r = 0; r < rows; r++) {
        System.arraycopy(x, xOffset + r * xStride, packed, r * pitch, inputs);
        Arrays.fill(packed, r * pitch + inputs, (r + 1) * pitch, 0);
      }
      x = packed;
      xOffset = 0;
      xStride = pitch;
    }

    @Override
    public void run(int chunk, int worker) {
      int m = 0;
      while (chunk >= chunkStarts[m + 1]) {
        m++;
      }
      Matrix w = matrices.get(m);
      int from = (chunk - chunkStarts[m]) * chunkOutputs;
      int to = Math.min(w.outputs(), from + chunkOutputs);
      if (rows == 1) {
        arithmetic.product(w, from, to, x, xOffset, outs.get(m), outOffsets[m], scratch[worker]);
      } else {
        panel(m, w, from, to, scratch[worker]);
      }
    }

    private void panel(int m, Matrix w, int from, int to, Scratch s) {
      int inputs = w.inputs();
      int pitch = pitch(inputs);
      float[] panel = s.panel((to - from) * pitch);
      for (int o = from; o < to; o++) {
        int row = (o - from) * pitch;
        arithmetic.decode(w, o, panel, row, s);
        Arrays.fill(panel, row + inputs, row + pitch, 0);
      }
      float[] out = outs.get(m);
      for (int r = 0; r < rows; r += Arithmetic.TILE_ROWS) {
        int tileRows = Math.min(Arithmetic.TILE_ROWS, rows - r);
        for (int o = from; o < to; o += Arithmetic.TILE_OUTPUTS) {
          arithmetic.tile(
              panel,
              (o - from) * pitch,
              pitch,
              Math.min(Arithmetic.TILE_OUTPUTS, to - o),
              x,
              r * pitch,
              pitch,
              tileRows,
              inputs,
              out,
              outOffsets[m] + r * outStrides[m] + o,
              outStrides[m],
              s);
        }
      }
    }
  }

  /**
   * Floats between packed rows: whole vectors, and one more, because rows a power of two apart
   * would compete for the same few lines of the first-level cache.
   */
  private static int pitch(int inputs) {
    return (Math.ceilDiv(inputs, Arithmetic.LANES) + 1) * Arithmetic.LANES;
  }
}
