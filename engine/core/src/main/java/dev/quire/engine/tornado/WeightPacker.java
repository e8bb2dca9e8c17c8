package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
  private static final int HALF_INFINITY = 0x7C00;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final HostMirror mirror;
  private final Map<TensorType, Long> converted = new TreeMap<>();
  private List<Runnable> fills = new ArrayList<>();

  WeightPacker(HostMirror mirror) {
    this.mirror = mirror;
  }

  /** Weights of each type that were converted to F16 so far. */
  Map<TensorType, Long> converted() {
    return converted;
  }

  private void convert(Tensor tensor) {
    if (tensor.type() != TensorType.F16) {
      converted.merge(tensor.type(), tensor.elements(), Long::sum);
    }
  }

  /** Outputs up to a multiple of 8, which the tiled products need. */
  static int padded(int outputs) {
    return (outputs + 7) / 8 * 8;
  }

  /** Bytes of these matrices on the device, one above the other. */
  static long bytes(List<MatrixPart> parts) {
    return WeightForm.of(parts).bytes(outputs(parts), parts.getFirst().columns().total());
  }

  private static int outputs(List<MatrixPart> parts) {
    return parts.stream().mapToInt(part -> part.rows().total()).sum();
  }

  /** What fills the arrays handed out since the last call. */
  List<Runnable> takeFills() {
    List<Runnable> taken = fills;
    fills = new ArrayList<>();
    return taken;
  }

  /** Matrices of the same inputs, one above the other; rows of zeros fill up to a multiple of 8. */
  DeviceMatrix stack(List<MatrixPart> parts) {
    return matrix(padded(outputs(parts)), rows(parts), WeightForm.ofValues(parts));
  }

  /**
   * Gate and up, of whole eights of outputs, interleaved as {@link WeightTiles#interleaved} says.
   *
   * @return null for {@link WeightForm#BRAINS}, whose kernels don't activate: then they are stacked
   */
  @Nullable DeviceMatrix interleave(List<MatrixPart> gateUp) {
    WeightForm form = WeightForm.ofValues(gateUp);
    if (form == WeightForm.BRAINS) {
      return null;
    }
    int inner = gateUp.getFirst().rows().total();
    Rows stacked = rows(gateUp);
    List<Row> rows =
        IntStream.range(0, 2 * inner)
            .mapToObj(o -> stacked.get(WeightTiles.interleaved(o, inner)))
            .toList();
    return matrix(2 * inner, new Rows(rows), form);
  }

  /**
   * A row of a matrix on the device.
   *
   * @param row of the tensor; -1 where zeros lie
   */
  record Row(MatrixPart part, int row) {
    Tensor tensor() {
      return part.tensor();
    }

    boolean empty() {
      return row < 0;
    }
  }

  /** The rows of a matrix, wherever they are in the file. */
  record Rows(List<Row> list) {
    int size() {
      return list.size();
    }

    Row get(int output) {
      return list.get(output);
    }
  }

  private static Rows rows(List<MatrixPart> parts) {
    return new Rows(
        parts.stream()
            .flatMap(
                part ->
                    IntStream.range(0, part.rows().total())
                        .mapToObj(place -> new Row(part, part.rows().source(place))))
            .toList());
  }

  private DeviceMatrix matrix(int outputs, Rows rows, WeightForm form) {
    int inputs = rows.get(0).part().columns().total();
    return switch (form) {
      case HALVES -> tiles(outputs, inputs, rows);
      case BRAINS -> brains(outputs, inputs, rows);
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
                if (source.empty()) {
                  continue;
                }
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
    fills.add(() -> fillTiles(weights.getSegment(), inputs, rows, WeightPacker::toHalves));
    rows.list().stream().map(Row::tensor).distinct().forEach(this::convert);
    return new DeviceMatrix.Halves(outputs, inputs, weights);
  }

  private DeviceMatrix.Brains brains(int outputs, int inputs, Rows rows) {
    IntArray weights = mirror.ints(WeightTiles.elements(outputs, inputs) / 2);
    fills.add(() -> fillTiles(weights.getSegment(), inputs, rows, WeightPacker::copyRow));
    return new DeviceMatrix.Brains(
        outputs, inputs, weights, FloatArray.fromArray(MatrixVectorBf16.scales()));
  }

  /** Takes a row of two bytes an element as it is. */
  private static void copyRow(Row row, short[] elements, float[] unused) {
    long offset = row.tensor().type().bytesFor((long) row.row() * row.tensor().columns());
    MemorySegment.copy(row.tensor().data(), SHORT, offset, elements, 0, elements.length);
  }

  /** Brings a row of a tensor into elements of two bytes. */
  private interface RowReader {
    void read(Row row, short[] elements, float[] values);
  }

  private static void fillTiles(MemorySegment target, int inputs, Rows rows, RowReader reader) {
    int block = WeightTiles.OUTPUTS;
    int padded = WeightTiles.paddedInputs(inputs);
    IntStream.range(0, Math.ceilDiv(rows.size(), block))
        .parallel()
        .forEach(
            b -> {
              short[] tile = new short[block * padded];
              Extent columns = rows.get(0).part().columns();
              short[] row = new short[columns.elements()];
              float[] values = new float[row.length];
              for (int o = 0; o < Math.min(block, rows.size() - b * block); o++) {
                Row source = rows.get(b * block + o);
                if (source.empty()) {
                  continue;
                }
                reader.read(source, row, values);
                if (columns.isWhole()) {
                  for (int i = 0; i < inputs; i++) {
                    tile[i * block + o] = row[i];
                  }
                } else {
                  for (int i = 0; i < row.length; i++) {
                    tile[columns.place(i) * block + o] = row[i];
                  }
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

  /** Matrices one after the other as halves, row by row. */
  HalfFloatArray halves(List<MatrixPart> parts) {
    HalfFloatArray weights = mirror.halves(parts.stream().mapToLong(MatrixPart::elements).sum());
    long element = 0;
    for (MatrixPart part : parts) {
      long first = element;
      fills.add(() -> fillRows(part, weights.getSegment(), first));
      convert(part.tensor());
      element += part.elements();
    }
    return weights;
  }

  /** A vector. */
  FloatArray vector(float[] values) {
    return FloatArray.fromArray(values);
  }

  private static void fillRows(MatrixPart part, MemorySegment target, long firstElement) {
    Extent columns = part.columns();
    IntStream.range(0, part.rows().elements())
        .parallel()
        .forEach(
            r -> {
              short[] row = new short[columns.elements()];
              toHalves(new Row(part, r), row, new float[row.length]);
              long to = firstElement + (long) part.rows().place(r) * columns.total();
              if (columns.isWhole()) {
                MemorySegment.copy(row, 0, target, SHORT, 2 * to, row.length);
              } else {
                for (int i = 0; i < row.length; i++) {
                  target.set(SHORT, 2 * (to + columns.place(i)), row[i]);
                }
              }
            });
  }
}
