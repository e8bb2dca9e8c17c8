package dev.quire.kernels;

import uk.ac.manchester.tornado.api.math.TornadoMath;

/** What a product does to gate and up before it stores them, chosen when a kernel is compiled. */
public final class Activations {
  private Activations() {}

  /** Stores the sums as they are. */
  public static final int NONE = 0;

  /** {@code silu(gate) · up}, as {@link SiluMultiply}. */
  public static final int SILU = 1;

  /** {@code gelu(gate) · up}, as {@link GeluMultiply}. */
  public static final int GELU = 2;

  /** {@code gelu(gate) · up} by the error function, as {@link GeluMultiply#applyExact}. */
  public static final int EXACT_GELU = 3;

  private static final float ROOT = 0.7978846f;
  private static final float CUBE = 0.044715f;

  /** The gate's activation times up. */
  static float apply(int activation, float gate, float up) {
    float result = gate * up;
    if (activation == SILU) {
      result = result / (1.0f + TornadoMath.exp(-gate));
    }
    if (activation == GELU) {
      float inner = ROOT * (gate + CUBE * gate * gate * gate);
      result = 0.5f * result * (1.0f + TornadoMath.tanh(inner));
    }
    if (activation == EXACT_GELU) {
      result = up * GeluMultiply.exact(gate);
    }
    return result;
  }

  /** The same in plain Java. */
  public static float reference(int activation, float gate, float up) {
    return switch (activation) {
      case SILU -> SiluMultiply.reference(gate, up);
      case GELU -> GeluMultiply.reference(gate, up);
      case EXACT_GELU -> GeluMultiply.exactReference(gate, up);
      default -> throw new IllegalArgumentException("activation " + activation);
    };
  }
}
