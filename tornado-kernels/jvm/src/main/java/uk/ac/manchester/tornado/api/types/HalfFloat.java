package uk.ac.manchester.tornado.api.types;

/** An IEEE 754 binary16 value. Arithmetic rounds the single-precision result. */
public class HalfFloat {
  private final short bits;

  /** Rounds to the nearest half, ties to even. */
  public HalfFloat(float value) {
    bits = Float.floatToFloat16(value);
  }

  /** Takes the bits of a half. */
  public HalfFloat(short bits) {
    this.bits = bits;
  }

  /** {@code a + b}. */
  public static HalfFloat add(HalfFloat a, HalfFloat b) {
    return new HalfFloat(a.getFloat32() + b.getFloat32());
  }

  /** {@code a - b}. */
  public static HalfFloat sub(HalfFloat a, HalfFloat b) {
    return new HalfFloat(a.getFloat32() - b.getFloat32());
  }

  /** {@code a * b}. */
  public static HalfFloat mult(HalfFloat a, HalfFloat b) {
    return new HalfFloat(a.getFloat32() * b.getFloat32());
  }

  /** {@code a / b}. */
  public static HalfFloat div(HalfFloat a, HalfFloat b) {
    return new HalfFloat(a.getFloat32() / b.getFloat32());
  }

  /** The bits. */
  public short getHalfFloatValue() {
    return bits;
  }

  /** The value as a float, exactly. */
  public float getFloat32() {
    return Float.float16ToFloat(bits);
  }

  @Override
  public String toString() {
    return "HalfFloat: " + getFloat32();
  }
}
