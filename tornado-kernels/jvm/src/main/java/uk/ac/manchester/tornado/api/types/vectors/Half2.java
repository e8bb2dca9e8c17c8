package uk.ac.manchester.tornado.api.types.vectors;

import uk.ac.manchester.tornado.api.types.HalfFloat;

/** Two halves that travel as 32 bits. */
public final class Half2 {
  private HalfFloat x;
  private HalfFloat y;

  /** Two zeros. */
  public Half2() {
    this(new HalfFloat((short) 0), new HalfFloat((short) 0));
  }

  /** The pair (x, y); x lies at the lower address. */
  public Half2(HalfFloat x, HalfFloat y) {
    this.x = x;
    this.y = y;
  }

  /** {@code a + b}, by component. */
  public static Half2 add(Half2 a, Half2 b) {
    return new Half2(HalfFloat.add(a.x, b.x), HalfFloat.add(a.y, b.y));
  }

  /** {@code a - b}, by component. */
  public static Half2 sub(Half2 a, Half2 b) {
    return new Half2(HalfFloat.sub(a.x, b.x), HalfFloat.sub(a.y, b.y));
  }

  /** {@code a * b}, by component. */
  public static Half2 mult(Half2 a, Half2 b) {
    return new Half2(HalfFloat.mult(a.x, b.x), HalfFloat.mult(a.y, b.y));
  }

  /** The lower component as a float. */
  public static float lowFloat(Half2 pair) {
    return pair.x.getFloat32();
  }

  /** The upper component as a float. */
  public static float highFloat(Half2 pair) {
    return pair.y.getFloat32();
  }

  /** Rounds two floats into a pair. */
  public static Half2 fromFloats(float low, float high) {
    return new Half2(new HalfFloat(low), new HalfFloat(high));
  }

  /** The lower component. */
  public HalfFloat getX() {
    return x;
  }

  /** Sets the lower component. */
  public void setX(HalfFloat value) {
    x = value;
  }

  /** The upper component. */
  public HalfFloat getY() {
    return y;
  }

  /** Sets the upper component. */
  public void setY(HalfFloat value) {
    y = value;
  }

  @Override
  public String toString() {
    return "<" + x.getFloat32() + ", " + y.getFloat32() + ">";
  }
}
