package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.TensorType;
import org.jspecify.annotations.Nullable;

/**
 * How a {@linkplain WeightTiles tile} of 64 weight rows is stored: the rows interleaved, so that a
 * vector takes neighbouring rows at one input. The bits are those of the model file; only their
 * places change, and rows that a matrix doesn't have are zeros.
 *
 * <pre>
 *   FLOAT                elements [inputs][64]
 *   HALF, BRAIN          words int [inputs][2][16], of elements
 *   Q8_0                 per chunk of n inputs: scales half [n / 32][64], words int [2][n / 2][16]
 *   Q4_0                 per chunk of n inputs: scales half [n / 32][64], words int [2][n / 4][16]
 *   Q4_K                 per 256 inputs: words int [2][64][16], scales byte [8][64], minima
 *                        byte [8][64], d half [64], dmin half [64]
 *   Q6_K                 per 256 inputs: pairs byte [128][64], upper bits byte [64][64], scales
 *                        byte [16][64], d half [64]
 * </pre>
 *
 * The first half of the words has the rows 0 to 31, the second the rows 32 to 63; of sixteen, word
 * {@code j} has the row {@code j} in its low half and the row {@code j + 16} in its high half: an
 * element, or two neighbouring inputs as bytes, or four as nibbles, the first lowest. As shorts a
 * vector of words is twice as many rows; as ints, its halves are neighbouring rows again. So the
 * words of a line of 64 bytes belong to the same inputs, and a loop over 32 rows reads line after
 * line.
 *
 * <p>Of two bytes the first is stored with 128 added, as an unsigned byte: so the second is exactly
 * what an arithmetic shift leaves of the two.
 *
 * <p>A pair is two neighbouring inputs, the first in the low nibble; a byte of upper bits has those
 * of four neighbouring inputs, the first lowest.
 */
enum TileLayout {
  FLOAT(1, 4),
  HALF(1, 2),
  BRAIN(1, 2),
  Q8_0(32, 34),
  Q4_0(32, 18),
  Q4_K(256, 148),
  Q6_K(256, 210);

  /** Of all these; a change of what lies where takes the next, so that no kept tile is misread. */
  static final int VERSION = 4;

  private final int blockInputs;
  private final int blockBytesOfRow;

  TileLayout(int blockInputs, int blockBytesOfRow) {
    this.blockInputs = blockInputs;
    this.blockBytesOfRow = blockBytesOfRow;
  }

  /** The layout for weights of a type; null where they are used as they lie in the file. */
  static @Nullable TileLayout of(TensorType type) {
    return switch (type) {
      case F32 -> FLOAT;
      case F16 -> HALF;
      case BF16 -> BRAIN;
      case Q8_0 -> Q8_0;
      case Q4_0 -> Q4_0;
      case Q4_K -> Q4_K;
      case Q6_K -> Q6_K;
      default -> null;
    };
  }

  /** Whether its loops take {@link QuantizedRows}. */
  boolean takesQuantized() {
    return this == Q8_0 || hasNibbles();
  }

  /** Whether levels have four bits. */
  boolean hasNibbles() {
    return this == Q4_0 || this == Q4_K;
  }

  /** Whether weights are levels times scales less minima. */
  boolean hasMinima() {
    return this == Q4_K;
  }

  /** What a nibble of zero means. */
  int leastLevel() {
    return this == Q4_0 ? -8 : 0;
  }

  /**
   * Lines of words that the 32 rows of a half have, where there are words.
   *
   * @param inputs a multiple of 4
   */
  int lines(int inputs) {
    return hasNibbles() ? inputs / 4 : inputs / 2;
  }

  /**
   * Bytes of scales before a chunk's words: first, since they are needed first, so that the lines
   * of a tile are read in order.
   *
   * @param inputs of the chunk
   */
  int leadingScales(int inputs) {
    return this == Q8_0 || this == Q4_0 ? inputs / 32 * WeightTiles.ROWS * Short.BYTES : 0;
  }

  /** Inputs that share a scale; a row has a multiple of them. */
  int blockInputs() {
    return blockInputs;
  }

  /** Bytes of a block of all 64 rows. */
  int blockBytes() {
    return blockBytesOfRow * WeightTiles.ROWS;
  }

  /** Bytes of a tile from its start up to this input. */
  long bytes(int inputs) {
    return (long) inputs / blockInputs * blockBytes();
  }
}
