package uk.ac.manchester.tornado.api.utils;

/** Operations on quantised numbers. */
public class QuantizationUtils {
  public QuantizationUtils() {}

  /** {@code c} and the sum of the products of two times four signed bytes. */
  public static int dp4a_packed(int a, int b, int c) {
    return c
        + (byte) a * (byte) b
        + (byte) (a >> 8) * (byte) (b >> 8)
        + (byte) (a >> 16) * (byte) (b >> 16)
        + (byte) (a >> 24) * (byte) (b >> 24);
  }
}
