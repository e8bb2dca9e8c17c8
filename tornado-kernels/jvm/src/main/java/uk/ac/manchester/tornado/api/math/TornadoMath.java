package uk.ac.manchester.tornado.api.math;

/** Functions that a kernel may call; a device has instructions or a library for each. */
public class TornadoMath {
  public TornadoMath() {}

  /** The smaller one. */
  public static float min(float a, float b) {
    return Math.min(a, b);
  }

  /** The larger one. */
  public static float max(float a, float b) {
    return Math.max(a, b);
  }

  /** The magnitude. */
  public static float abs(float value) {
    return Math.abs(value);
  }

  /** The nearest value of [low, high]. */
  public static float clamp(float value, float low, float high) {
    return Math.min(Math.max(value, low), high);
  }

  /** The smaller one. */
  public static int min(int a, int b) {
    return Math.min(a, b);
  }

  /** The larger one. */
  public static int max(int a, int b) {
    return Math.max(a, b);
  }

  /** The magnitude. */
  public static int abs(int value) {
    return Math.abs(value);
  }

  /** The nearest value of [low, high]. */
  public static int clamp(int value, int low, int high) {
    return Math.min(Math.max(value, low), high);
  }

  /** e to a power. */
  public static float exp(float value) {
    return (float) Math.exp(value);
  }

  /** The square root. */
  public static float sqrt(float value) {
    return (float) Math.sqrt(value);
  }

  /** The next whole number below. */
  public static float floor(float value) {
    return (float) Math.floor(value);
  }

  /** The next whole number above. */
  public static float ceil(float value) {
    return (float) Math.ceil(value);
  }

  /** The natural logarithm. */
  public static float log(float value) {
    return (float) Math.log(value);
  }

  /** The sine of radians. */
  public static float sin(float value) {
    return (float) Math.sin(value);
  }

  /** The cosine of radians. */
  public static float cos(float value) {
    return (float) Math.cos(value);
  }

  /** The hyperbolic tangent. */
  public static float tanh(float value) {
    return (float) Math.tanh(value);
  }

  /** A power. */
  public static float pow(float base, float exponent) {
    return (float) Math.pow(base, exponent);
  }
}
