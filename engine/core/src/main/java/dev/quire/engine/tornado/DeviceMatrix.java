package dev.quire.engine.tornado;

import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A weight matrix [outputs, inputs] as the kernels read it; outputs a multiple of 8. */
sealed interface DeviceMatrix {
  int outputs();

  int inputs();

  List<TornadoNativeArray> arrays();

  /** Halves, as {@link dev.quire.kernels.WeightTiles} has them. */
  record Halves(int outputs, int inputs, HalfFloatArray weights) implements DeviceMatrix {
    @Override
    public List<TornadoNativeArray> arrays() {
      return List.of(weights);
    }
  }

  /** Q8_0 taken apart, as {@link dev.quire.kernels.QuantTiles} has it. */
  record Quants(int outputs, int inputs, IntArray quants, HalfFloatArray scales)
      implements DeviceMatrix {
    @Override
    public List<TornadoNativeArray> arrays() {
      return List.of(quants, scales);
    }
  }

  /** Four bits a weight, as {@link dev.quire.kernels.NibbleTiles} has them. */
  record Nibbles(int outputs, int inputs, IntArray nibbles, HalfFloatArray steps)
      implements DeviceMatrix {
    @Override
    public List<TornadoNativeArray> arrays() {
      return List.of(nibbles, steps);
    }
  }

  /**
   * BF16 as in the file, as {@link dev.quire.kernels.MatrixVectorBf16} has it.
   *
   * @param weights two an int, where {@link Halves} has its halves
   * @param scales the kernels' table
   */
  record Brains(int outputs, int inputs, IntArray weights, FloatArray scales)
      implements DeviceMatrix {
    @Override
    public List<TornadoNativeArray> arrays() {
      return List.of(weights, scales);
    }
  }

  /** Bytes on the device. */
  default long bytes() {
    return arrays().stream().mapToLong(TornadoNativeArray::getNumBytesOfSegmentWithHeader).sum();
  }
}
