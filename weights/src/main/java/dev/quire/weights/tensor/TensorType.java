package dev.quire.weights.tensor;

import dev.quire.weights.WeightsException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The element types of tensors, with the numbers that GGUF gives them. A type stores its elements
 * in blocks along the innermost dimension: {@link #blockElements} values in {@link #blockBytes}
 * bytes.
 *
 * <p>Source of numbers and layouts: ggml's {@code ggml.h} and {@code ggml-common.h}.
 */
public enum TensorType {
  F32(0, 1, 4, new F32Codec()),
  F16(1, 1, 2, new F16Codec()),
  Q4_0(2, 32, 18, new Q40Codec()),
  Q4_1(3, 32, 20, new Q41Codec()),
  Q5_0(6, 32, 22, new Q50Codec()),
  Q5_1(7, 32, 24, new Q51Codec()),
  Q8_0(8, 32, 34, new Q80Codec()),
  Q2_K(10, 256, 84, new Q2KCodec()),
  Q3_K(11, 256, 110, new Q3KCodec()),
  Q4_K(12, 256, 144, new Q4KCodec()),
  Q5_K(13, 256, 176, new Q5KCodec()),
  Q6_K(14, 256, 210, new Q6KCodec()),
  IQ4_NL(20, 32, 18, new Iq4NlCodec()),
  IQ4_XS(23, 256, 136, new Iq4XsCodec()),
  I8(24, 1, 1, new IntegerCodec(1)),
  I16(25, 1, 2, new IntegerCodec(2)),
  I32(26, 1, 4, new IntegerCodec(4)),
  I64(27, 1, 8, new IntegerCodec(8)),
  F64(28, 1, 8, new F64Codec()),
  BF16(30, 1, 2, new Bf16Codec()),

  // Known by name and size, so that a file that holds them can be inspected; not decoded.
  Q8_1(9, 32, 36),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ1_M(29, 256, 56),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, 32, 17);

  private static final TensorType[] BY_GGUF_ID = new TensorType[40];

  static {
    for (TensorType type : values()) {
      BY_GGUF_ID[type.ggufId] = type;
    }
  }

  private final int ggufId;
  private final int blockElements;
  private final int blockBytes;

  @SuppressWarnings("ImmutableEnumChecker") // codecs have no state
  private final @Nullable Codec codec;

  TensorType(int ggufId, int blockElements, int blockBytes) {
    this(ggufId, blockElements, blockBytes, null);
  }

  TensorType(int ggufId, int blockElements, int blockBytes, @Nullable Codec codec) {
    this.ggufId = ggufId;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.codec = codec;
  }

  /** The number of this type in a GGUF file's tensor directory. */
  public int ggufId() {
    return ggufId;
  }

  /** How many consecutive elements of a row share a block; 1 for plain numbers. */
  public int blockElements() {
    return blockElements;
  }

  /** The size of a block in bytes. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether several elements share a block (and its scale). */
  public boolean isQuantized() {
    return blockElements > 1;
  }

  /** Whether Quire decodes this type. */
  public boolean isSupported() {
    return codec != null;
  }

  /** Bits an element takes, scales included. */
  public double bitsPerElement() {
    return 8.0 * blockBytes / blockElements;
  }

  /**
   * The size in bytes of {@code elements} elements.
   *
   * @throws WeightsException if they don't fill whole blocks
   * @throws ArithmeticException if the size is 2^63 or more
   */
  public long bytesFor(long elements) {
    if (elements % blockElements != 0) {
      throw new WeightsException(
          elements + " elements don't fill " + this + " blocks of " + blockElements);
    }
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  /**
   * The codec of this type.
   *
   * @throws WeightsException if Quire doesn't decode this type
   */
  public Codec codec() {
    if (codec == null) {
      throw new WeightsException(
          "tensor type " + this + " isn't supported; convert the model to another type");
    }
    return codec;
  }

  /**
   * The type with a number of GGUF.
   *
   * @throws WeightsException if there is none
   */
  public static TensorType ofGgufId(int id) {
    TensorType type = id >= 0 && id < BY_GGUF_ID.length ? BY_GGUF_ID[id] : null;
    if (type == null) {
      throw new WeightsException("unknown tensor type " + Integer.toUnsignedString(id));
    }
    return type;
  }

  /**
   * The type that a user names, in upper or lower case ({@code q8_0}, {@code Q4_K}).
   *
   * @throws WeightsException if there is none
   */
  public static TensorType ofName(String name) {
    try {
      return valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new WeightsException("unknown tensor type '" + name + "'", e);
    }
  }
}
