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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
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
  /** Set where the host is to pack all matrices. */
  private static final boolean ON_HOST = Boolean.getBoolean("quire.pack.host");

  private static final int Q8_BLOCK = 32;
  private static final int Q8_BYTES = 34;
  private static final int HALF_INFINITY = 0x7C00;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final HostMirror mirror;
  private final Map<TensorType, Long> converted = new TreeMap<>();
  private List<Runnable> fills = new ArrayList<>();
  private List<TilePack> packs = new ArrayList<>();

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

  /** The matrices handed out since the last call that are packed on the device. */
  List<TilePack> takePacks() {
    List<TilePack> taken = packs;
    packs = new ArrayList<>();
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
    return form == WeightForm.BRAINS ? null : matrix(outputs(gateUp), interleaved(gateUp), form);
  }

  /** Gates and ups of many networks of one size, each interleaved, one network above the other. */
  DeviceMatrix interleaveEach(List<MatrixPart> gatesAndUps) {
    return matrix(outputs(gatesAndUps), interleaved(gatesAndUps), WeightForm.of(gatesAndUps));
  }

  /** Matrices of one size and of whole eights of outputs, one above the other. */
  DeviceMatrix stackEach(List<MatrixPart> parts) {
    return matrix(outputs(parts), rows(parts), WeightForm.of(parts));
  }

  /** A small matrix in floats, row by row. */
  FloatArray floats(MatrixPart part) {
    FloatArray values = mirror.floats(part.elements());
    fills.add(
        () -> {
          Tensor tensor = part.tensor();
          float[] row = new float[tensor.columns()];
          for (int r = 0; r < tensor.rows(); r++) {
            long offset = tensor.type().bytesFor((long) r * row.length);
            tensor.type().codec().decode(tensor.data(), offset, row, 0, row.length);
            float[] spread = part.columns().spread(row, 1);
            long to = (long) part.rows().place(r) * spread.length;
            MemorySegment.copy(
                spread, 0, values.getSegment(), FLOAT, Float.BYTES * to, spread.length);
          }
        });
    return values;
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

  /**
   * The rows of a matrix, wherever they are in the file.
   *
   * @param parts all that they are of
   * @param at an output's row, computed when asked for: experts have millions
   */
  record Rows(List<MatrixPart> parts, int size, IntFunction<Row> at) {
    Row get(int output) {
      return at.apply(output);
    }
  }

  private static Rows rows(List<MatrixPart> parts) {
    int[] ends = new int[parts.size()];
    int end = 0;
    for (int p = 0; p < ends.length; p++) {
      end += parts.get(p).rows().total();
      ends[p] = end;
    }
    return new Rows(
        parts,
        end,
        output -> {
          int found = Arrays.binarySearch(ends, output + 1);
          int p = found < 0 ? -found - 1 : found;
          MatrixPart part = parts.get(p);
          int place = output - (ends[p] - part.rows().total());
          return new Row(part, part.rows().source(place));
        });
  }

  /** Parts of one size, each pair of which is interleaved. */
  private static Rows interleaved(List<MatrixPart> parts) {
    Rows stacked = rows(parts);
    int inner = parts.getFirst().rows().total();
    return new Rows(
        parts,
        stacked.size(),
        output -> {
          int network = output / (2 * inner) * (2 * inner);
          return stacked.get(network + WeightTiles.interleaved(output - network, inner));
        });
  }

  private DeviceMatrix matrix(int outputs, Rows rows, WeightForm form) {
    int inputs = rows.parts().getFirst().columns().total();
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
    if (!ON_HOST && TilePack.takes(rows)) {
      packs.add(new TilePack(weights, rows, inputs));
    } else {
      fills.add(() -> fillTiles(weights.getSegment(), inputs, rows, WeightPacker::toHalves));
    }
    rows.parts().forEach(part -> convert(part.tensor()));
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
              Extent columns = rows.parts().getFirst().columns();
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

  /** A vector. */
  FloatArray vector(float[] values) {
    return FloatArray.fromArray(values);
  }
}
