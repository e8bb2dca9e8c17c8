package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Small data for the loops that {@link WarmingArithmetic} warms up. */
@SuppressWarnings({"EnumOrdinal", "RefactorSwitch"})
final class WarmUpWork {
  private WarmUpWork() {}

  /** One run of a group's loops. */
  static Runnable of(int group, Arithmetic arithmetic) {
    Scratch scratch = new Scratch();
    int n = 256;
    float[] x = new float[Arithmetic.TILE_ROWS * n];
    float[] out = new float[2 * Arithmetic.TILE_ROWS * WeightTiles.ROWS];
    switch (group) {
      case WarmingArithmetic.ELEMENTWISE -> {
        return () -> {
          arithmetic.activate(Activation.SILU, x, 0, n);
          arithmetic.sumOfSquares(x, 0, n, 0);
        };
      }
      case WarmingArithmetic.ATTENTION -> {
        int rows = 5;
        float[] maxima = new float[rows];
        float[] totals = new float[rows * Arithmetic.LANES];
        float[] sums = new float[rows * Arithmetic.POSITION_TILE];
        MemorySegment tile = cacheTile(32);
        return () -> {
          maxima[0] = Float.NEGATIVE_INFINITY;
          int stride = Arithmetic.POSITION_TILE;
          arithmetic.addPanel(x, 0, stride, rows, stride, tile, 0, sums, 0, stride);
          arithmetic.soften(x, 0, rows, maxima, totals, sums, stride);
        };
      }
      case WarmingArithmetic.PANEL -> {
        float[] panel = new float[n * WeightTiles.ROWS];
        return () -> {
          for (int rows = 1; rows <= Arithmetic.TILE_ROWS; rows *= 2) {
            arithmetic.multiply(panel, n, x, 0, rows, out, 0, WeightTiles.ROWS, scratch);
          }
        };
      }
      default -> {
        return group < WarmingArithmetic.CACHES
            ? layoutWork(group, arithmetic)
            : cacheWork(KvType.values()[group - WarmingArithmetic.CACHES], arithmetic);
      }
    }
  }

  private static Runnable layoutWork(int group, Arithmetic arithmetic) {
    Scratch scratch = new Scratch();
    int n = WeightTiles.CHUNK;
    TileLayout layout =
        TileLayout.values()[(group - WarmingArithmetic.SINGLES) % WarmingArithmetic.LAYOUTS];
    int outputs = Arithmetic.TILES_TOGETHER * WeightTiles.ROWS;
    MemorySegment data = Arena.ofAuto().allocate(WeightTiles.bytes(layout, outputs, n), Long.BYTES);
    WeightTiles tiles = new WeightTiles(layout, outputs, n, data);
    float[] out = new float[2 * Arithmetic.TILE_ROWS * WeightTiles.ROWS];
    boolean single = group < WarmingArithmetic.FEW;
    if (layout.takesQuantized()) {
      // Of several, groups of all sizes.
      int rows = single ? 1 : group < WarmingArithmetic.SEVERAL ? 3 : 2 * Arithmetic.TILE_ROWS - 1;
      QuantizedRows x = quantized(layout, arithmetic, rows, n);
      return single
          ? () -> arithmetic.quantizedRow(tiles, 0, Arithmetic.TILES_TOGETHER, x, out, 0, scratch)
          : () -> arithmetic.quantizedProducts(tiles, 0, x, out, 0, WeightTiles.ROWS, scratch);
    }
    if (single) {
      float[] x = new float[n];
      return () -> arithmetic.product(tiles, 0, Arithmetic.TILES_TOGETHER, x, 0, out, 0, scratch);
    }
    float[] panel = new float[n * WeightTiles.ROWS];
    return () -> arithmetic.decode(tiles, 0, 0, panel, scratch);
  }

  /** What {@link PlainWords} are warmed up with. */
  static Runnable plain(TileLayout layout, int rows, int tiles) {
    int outputs = tiles * WeightTiles.ROWS;
    int inputs = 2 * QuantizedRows.BLOCK;
    MemorySegment data =
        Arena.ofAuto().allocate(WeightTiles.bytes(layout, outputs, inputs), Long.BYTES);
    WeightTiles weights = new WeightTiles(layout, outputs, inputs, data);
    QuantizedRows x = layout.hasNibbles() ? QuantizedRows.forNibbles(1) : QuantizedRows.forBytes(1);
    x.resize(rows, inputs, true);
    float[] out = new float[rows * outputs];
    PlainWords words = new PlainWords();
    return () -> words.products(weights, 0, tiles, x, out, 0, outputs);
  }

  private static Runnable cacheWork(KvType type, Arithmetic arithmetic) {
    KvCache cache = KvCache.allocate(Arena.ofAuto(), type, 1, Arithmetic.POSITION_TILE, 1, 32);
    MemorySegment tile = cacheTile(32);
    return () -> arithmetic.decodeCache(cache, 0, 0, Arithmetic.POSITION_TILE, tile, 0);
  }

  /** Room for keys and values of a tile of positions. */
  private static MemorySegment cacheTile(int headSize) {
    return Arena.ofAuto().allocate(2L * Arithmetic.POSITION_TILE * headSize * Float.BYTES, 64);
  }

  private static QuantizedRows quantized(
      TileLayout layout, Arithmetic arithmetic, int rows, int inputs) {
    boolean nibbles = layout.hasNibbles();
    int group = arithmetic.mostOfGroup();
    QuantizedRows quantized =
        nibbles ? QuantizedRows.forNibbles(group) : QuantizedRows.forBytes(group);
    quantized.resize(rows, inputs, arithmetic.multipliesWords(nibbles, rows));
    return quantized;
  }
}
