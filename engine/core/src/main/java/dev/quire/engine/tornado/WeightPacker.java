package dev.quire.engine.tornado;

import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Brings tensors of the file into the kernels' form: halves, or Q8_0 taken apart. Arrays are handed
 * out empty; {@link #takeFills} fills them when their turn comes to be sent.
 */
final class WeightPacker {
  private static final int Q8_BLOCK = 32;
  private static final int Q8_BYTES = 34;
  private static final int CHUNK_ELEMENTS = 1 << 16;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final HostMirror mirror;
  private final Set<TensorType> converted = new TreeSet<>();
  private List<Runnable> fills = new ArrayList<>();

  WeightPacker(HostMirror mirror) {
    this.mirror = mirror;
  }

  /** Types that were converted to F16 so far. */
  Set<TensorType> converted() {
    return converted;
  }

  /** Outputs up to a multiple of 8, which the tiled products need. */
  static int padded(int outputs) {
    return (outputs + 7) / 8 * 8;
  }

  /** Whether these matrices, one above the other, stay Q8_0. */
  static boolean staysQuantised(List<Tensor> parts) {
    return parts.stream()
        .allMatch(part -> part.type() == TensorType.Q8_0 && part.columns() % Q8_BLOCK == 0);
  }

  /** Bytes of these matrices on the device, one above the other. */
  static long bytes(List<Tensor> parts) {
    long inputs = parts.getFirst().columns();
    long elements = padded(parts.stream().mapToInt(Tensor::rows).sum()) * inputs;
    return staysQuantised(parts) ? elements + elements / Q8_BLOCK * 2 : 2 * elements;
  }

  /** What fills the arrays handed out since the last call. */
  List<Runnable> takeFills() {
    List<Runnable> taken = fills;
    fills = new ArrayList<>();
    return taken;
  }

  /** Matrices of the same inputs, one above the other; rows of zeros fill up to a multiple of 8. */
  DeviceMatrix stack(List<Tensor> parts) {
    int inputs = parts.getFirst().columns();
    int outputs = padded(parts.stream().mapToInt(Tensor::rows).sum());
    long elements = (long) outputs * inputs;
    if (staysQuantised(parts)) {
      IntArray quants = mirror.ints(elements / 4);
      HalfFloatArray scales = mirror.halves(elements / Q8_BLOCK);
      long block = 0;
      for (Tensor part : parts) {
        long first = block;
        fills.add(() -> split(part, quants.getSegment(), scales.getSegment(), first));
        block += part.elements() / Q8_BLOCK;
      }
      return new DeviceMatrix.Quants(outputs, inputs, quants, scales);
    }
    return new DeviceMatrix.Halves(outputs, inputs, halves(parts, elements));
  }

  /** Tensors one after the other as halves. */
  HalfFloatArray halves(List<Tensor> parts, long elements) {
    HalfFloatArray weights = mirror.halves(elements);
    long element = 0;
    for (Tensor part : parts) {
      long first = element;
      fills.add(() -> toHalves(part, weights.getSegment(), first));
      if (part.type() != TensorType.F16) {
        converted.add(part.type());
      }
      element += part.elements();
    }
    return weights;
  }

  /** A vector. */
  FloatArray vector(float[] values) {
    return FloatArray.fromArray(values);
  }

  private static void split(
      Tensor tensor, MemorySegment quants, MemorySegment scales, long firstBlock) {
    long blocks = tensor.elements() / Q8_BLOCK;
    int perChunk = CHUNK_ELEMENTS / Q8_BLOCK;
    MemorySegment data = tensor.data();
    IntStream.range(0, (int) Math.ceilDiv(blocks, perChunk))
        .parallel()
        .forEach(
            chunk -> {
              long end = Math.min(blocks, (chunk + 1L) * perChunk);
              for (long b = (long) chunk * perChunk; b < end; b++) {
                long from = b * Q8_BYTES;
                long to = firstBlock + b;
                scales.set(SHORT, 2 * to, data.get(SHORT, from));
                MemorySegment.copy(data, from + 2, quants, to * Q8_BLOCK, Q8_BLOCK);
              }
            });
  }

  private static void toHalves(Tensor tensor, MemorySegment target, long firstElement) {
    if (tensor.type() == TensorType.F16) {
      MemorySegment.copy(tensor.data(), 0, target, 2 * firstElement, tensor.data().byteSize());
      return;
    }
    long elements = tensor.elements();
    TensorType type = tensor.type();
    // A multiple of every type's block.
    IntStream.range(0, (int) Math.ceilDiv(elements, CHUNK_ELEMENTS))
        .parallel()
        .forEach(
            chunk -> {
              long start = (long) chunk * CHUNK_ELEMENTS;
              int count = (int) Math.min(CHUNK_ELEMENTS, elements - start);
              float[] values = new float[count];
              type.codec().decode(tensor.data(), type.bytesFor(start), values, 0, count);
              for (int i = 0; i < count; i++) {
                target.set(SHORT, 2 * (firstElement + start + i), Float.floatToFloat16(values[i]));
              }
            });
  }
}
