package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

final class RandomData {
  private final Random random;

  RandomData(long seed) {
    random = new Random(seed);
  }

  float[] floats(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  int[] shuffled(int n) {
    int[] values = new int[n];
    for (int i = 0; i < n; i++) {
      int j = random.nextInt(i + 1);
      values[i] = values[j];
      values[j] = i;
    }
    return values;
  }

  /** Encoded from random floats, or random bytes, none of which makes a scale infinite. */
  Matrix matrix(TensorType type, int outputs, int inputs) {
    long row = type.bytesFor(inputs);
    MemorySegment data = Arena.ofAuto().allocate(row * outputs + 1).asSlice(1); // unaligned
    for (int o = 0; o < outputs; o++) {
      if (type.codec().canEncode()) {
        type.codec().encode(floats(inputs), 0, data, o * row, inputs);
      } else {
        for (long b = 0; b < row; b++) {
          data.set(ValueLayout.JAVA_BYTE, o * row + b, (byte) random.nextInt(60));
        }
      }
    }
    return new Matrix(type, outputs, inputs, data);
  }

  /** The matrix laid out in tiles, if its type can be. */
  static Matrix packed(Matrix m) {
    TileLayout layout = TileLayout.of(m.type());
    if (layout == null) {
      return m;
    }
    MemorySegment data =
        Arena.ofAuto().allocate(WeightTiles.bytes(layout, m.outputs(), m.inputs()), 64);
    WeightTiles tiles = new WeightTiles(layout, m.outputs(), m.inputs(), data);
    TilePacker packer = new TilePacker();
    for (int tile = 0; tile < tiles.tiles(); tile++) {
      packer.pack(m, layout, tile, data);
    }
    return new Matrix(m.type(), m.outputs(), m.inputs(), m.data(), tiles);
  }
}
