package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Brings tensors of the file into the kernels' form: tiles of halves, or of Q8_0, Q4_0 and Q4_K
 * taken apart. Arrays are handed out empty; {@link #takeFills} fills them when their turn comes to
 * be sent.
 */
final class WeightPacker {
  private static final int Q8_BLOCK = 32;
  private static final int Q8_BYTES = 34;
  private static final int CHUNK_ELEMENTS = 1 << 16;
  private static final int HALF_INFINITY = 0x7C00;
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

  /** Bytes of these matrices on the device, one above the other. */
  static long bytes(List<Tensor> parts) {
    int outputs = parts.stream().mapToInt(Tensor::rows).sum();
    return WeightForm.of(parts).bytes(outputs, parts.getFirst().columns());
  }

  /** What fills the arrays handed out since the last call. */
  List<Runnable> takeFills() {
    List<Runnable> taken = fills;
    fills = new ArrayList<>();
    return taken;
  }

  /** Matrices of the same inputs, one above the other; rows of zeros fill up to a multiple of 8. */
  DeviceMatrix stack(List<Tensor> parts) {
    int outputs = padded(parts.stream().mapToInt(Tensor::rows).sum());
    return matrix(outputs, rows(parts), WeightForm.of(parts));
  }

  /**
   * Gate and up interleaved, as {@link WeightTiles#interleaved} says.
   *
   * @return null if their outputs aren't eights: then they are stacked
   */
  @Nullable DeviceMatrix interleave(Tensor gate, Tensor up) {
    int inner = gate.rows();
    if (inner % WeightTiles.OUTPUTS != 0) {
      return null;
    }
    Rows stacked = rows(List.of(gate, up));
    List<Row> rows =
        IntStream.range(0, 2 * inner)
            .mapToObj(o -> stacked.get(WeightTiles.interleaved(o, inner)))
            .toList();
    return matrix(2 * inner, new Rows(rows), WeightForm.of(List.of(gate, up)));
  }

  /** A row of a tensor. */
  record Row(Tensor tensor, int row) {}

  /** The rows of a matrix, wherever they are in the file. */
  record Rows(List<Row> list) {
    int size() {
      return list.size();
    }

    Row get(int output) {
      return list.get(output);
    }
  }

  private static Rows rows(List<Tensor> parts) {
    return new Rows(
        parts.stream()
            .flatMap(part -> IntStream.range(0, part.rows()).mapToObj(row -> new Row(part, row)))
            .toList());
  }

  private DeviceMatrix matrix(int outputs, Rows rows, WeightForm form) {
    int inputs = rows.get(0).tensor().columns();
    return switch (form) {
      case HALVES -> tiles(outputs, inputs, rows);
      case BYTES -> quants(outputs, inputs, rows);
      case NIBBLES -> nibbles(outputs, inputs, rows);
    };
  }

  private DeviceMatrix.Nibbles nibbles(int outputs, int inputs, Rows rows) {
    IntArray nibbles = mirror.ints(NibbleTiles.nibbles(outputs, inputs));
    HalfFloatArray steps = mirror.halves(NibbleTiles.steps(outputs, inputs));
    fills.add(() -> NibblePacker.fill(nibbles.getSegment(), steps.getSegment(), inputs, rows));
    return new DeviceMatrix.Nibbles(outputs, inputs, nibbles, steps);
  }

  private DeviceMatrix.Quants quants(int outputs, int inputs, Rows rows) {
    IntArray quants = mirror.ints(QuantTiles.quants(outputs, inputs));
    HalfFloatArray scales = mirror.halves(QuantTiles.scales(outputs, inputs));
    fills.add(() -> fillQuants(quants.getSegment(), scales.getSegment(), inputs, rows));
    return new DeviceMatrix.Quants(outputs, inputs, quants, scales);
  }

  private static void fillQuants(
      MemorySegment quants, MemorySegment scales, int inputs, Rows rows) {
    int block = WeightTiles.OUTPUTS;
    int padded = WeightTiles.paddedInputs(inputs);
    IntStream.range(0, Math.ceilDiv(rows.size(), block))
        .parallel()
        .forEach(
            b -> {
              byte[] tile = new byte[block * padded];
              short[] steps = new short[block * padded / Q8_BLOCK];
              byte[] row = new byte[inputs / Q8_BLOCK * Q8_BYTES];
              for (int o = 0; o < Math.min(block, rows.size() - b * block); o++) {
                Row source = rows.get(b * block + o);
                long from = (long) source.row() * row.length;
                MemorySegment data = source.tensor().data();
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, from, row, 0, row.length);
                for (int i = 0; i < inputs; i++) {
                  tile[i * block + o] = row[i / Q8_BLOCK * Q8_BYTES + 2 + i % Q8_BLOCK];
                }
                for (int g = 0; g < inputs / Q8_BLOCK; g++) {
                  steps[g * block + o] = data.get(SHORT, from + (long) g * Q8_BYTES);
                }
              }
              long to = 4L * QuantTiles.START + (long) b * tile.length;
              MemorySegment.copy(tile, 0, quants, ValueLayout.JAVA_BYTE, to, tile.length);
              MemorySegment.copy(steps, 0, scales, SHORT, 2L * b * steps.length, steps.length);
            });
  }

  private DeviceMatrix.Halves tiles(int outputs, int inputs, Rows rows) {
    HalfFloatArray weights = mirror.halves(WeightTiles.elements(outputs, inputs));
    fills.add(() -> fillTiles(weights.getSegment(), inputs, rows));
    for (Row row : rows.list()) {
      if (row.tensor().type() != TensorType.F16) {
        converted.add(row.tensor().type());
      }
    }
    return new DeviceMatrix.Halves(outputs, inputs, weights);
  }

  private static void fillTiles(MemorySegment target, int inputs, Rows rows) {
    int block = WeightTiles.OUTPUTS;
    int padded = WeightTiles.paddedInputs(inputs);
    IntStream.range(0, Math.ceilDiv(rows.size(), block))
        .parallel()
        .forEach(
            b -> {
              short[] tile = new short[block * padded];
              short[] row = new short[inputs];
              float[] values = new float[inputs];
              for (int o = 0; o < Math.min(block, rows.size() - b * block); o++) {
                toHalves(rows.get(b * block + o), row, values);
                for (int i = 0; i < inputs; i++) {
                  tile[i * block + o] = row[i];
                }
              }
              long to = 2 * (WeightTiles.START + (long) b * block * padded);
              MemorySegment.copy(tile, 0, target, SHORT, to, tile.length);
            });
  }

  private static void toHalves(Row row, short[] halves, float[] values) {
    Tensor tensor = row.tensor();
    TensorType type = tensor.type();
    long offset = type.bytesFor((long) row.row() * tensor.columns());
    if (type == TensorType.F16) {
      MemorySegment.copy(tensor.data(), SHORT, offset, halves, 0, halves.length);
      return;
    }
    type.codec().decode(tensor.data(), offset, values, 0, values.length);
    for (int i = 0; i < values.length; i++) {
      halves[i] = Float.floatToFloat16(values[i]);
      if ((halves[i] & 0x7FFF) >= HALF_INFINITY) {
        throw QuireException.invalid(
            "tensor '%s' row %d column %d is %s, which a half doesn't hold; the device cpu takes it"
                .formatted(tensor.name(), row.row(), i, values[i]));
      }
    }
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
