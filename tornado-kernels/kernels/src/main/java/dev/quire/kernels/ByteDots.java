package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.utils.QuantizationUtils;

/**
 * Sums of products of bytes, four at once, and how bytes get where these take them.
 *
 * <pre>
 *   four ints         even, odd of two      lower, upper of two
 *   │a0 a1 a2 a3│     │a0 b0 a2 b2│         │a0 b0 c0 d0│  first
 *   │b0 b1 b2 b3│     │a1 b1 a3 b3│         │a1 b1 c1 d1│  second
 *   │c0 c1 c2 c3│     │c0 d0 c2 d2│         │a2 b2 c2 d2│  third
 *   │d0 d1 d2 d3│     │c1 d1 c3 d3│         │a3 b3 c3 d3│  fourth
 * </pre>
 *
 * What is on both sides of a mask takes one instruction, but where NVIDIA's compiler knows the mask
 * it takes two, each with a constant. So masks have a zero added that it does not know.
 */
final class ByteDots {
  private ByteDots() {}

  /** Added to a number, makes its two lower bytes what they are as signed ones, and 128 more. */
  static final int OFFSET = 0x8080;

  /** Takes these 128 from each byte. */
  static final int SIGNS = 0x80808080;

  private static final int EVEN = 0x00FF00FF;
  private static final int LOWER = 0x0000FFFF;

  /** Zero, which the compiler does not know: no grid has so many groups. */
  static int zero(KernelContext context) {
    return context.groupIdx >> 30;
  }

  /** Eight weights times as many inputs, whose low, middle and high bytes these are. */
  static int eight(int w, int v, int l0, int m0, int h0, int l1, int m1, int h1) {
    int high = dot(v, h1, dot(w, h0, 0)) << 16;
    int middle = dot(v, m1, dot(w, m0, 0)) << 8;
    return dot(v, l1, dot(w, l0, 0)) + middle + high;
  }

  private static int dot(int a, int b, int sum) {
    return QuantizationUtils.dp4a_packed(a, b, sum);
  }

  /** The first, lowest bytes of four ints. */
  static int first(int a, int b, int c, int d, int zero) {
    return lower(even(a, b, zero), even(c, d, zero), zero);
  }

  /** Their second bytes. */
  static int second(int a, int b, int c, int d, int zero) {
    return lower(odd(a, b, zero), odd(c, d, zero), zero);
  }

  /** Their third bytes. */
  static int third(int a, int b, int c, int d, int zero) {
    return upper(even(a, b, zero), even(c, d, zero), zero);
  }

  /** Their fourth bytes. */
  static int fourth(int a, int b, int c, int d, int zero) {
    return upper(odd(a, b, zero), odd(c, d, zero), zero);
  }

  private static int even(int a, int b, int zero) {
    return b << 8 ^ (b << 8 ^ a) & EVEN + zero;
  }

  private static int odd(int a, int b, int zero) {
    return b ^ (b ^ a >> 8) & EVEN + zero;
  }

  private static int lower(int a, int b, int zero) {
    return b << 16 ^ (b << 16 ^ a) & LOWER + zero;
  }

  private static int upper(int a, int b, int zero) {
    return b ^ (b ^ a >> 16) & LOWER + zero;
  }
}
