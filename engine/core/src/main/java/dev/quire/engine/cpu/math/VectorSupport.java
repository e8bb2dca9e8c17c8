package dev.quire.engine.cpu.math;

import jdk.incubator.vector.VectorShape;
import org.slf4j.LoggerFactory;

/**
 * Finds out what vectors there are. The vector classes are touched only if their module is there.
 */
final class VectorSupport {
  private static final String MODULE = "jdk.incubator.vector";
  private static final String MODULE_MISSING =
      "the JVM was started without --add-modules " + MODULE;

  private VectorSupport() {}

  static Arithmetic choose(VectorWidth width) {
    boolean module = vectorsVisible();
    return switch (width) {
      case SCALAR -> new ScalarArithmetic("as asked for");
      case VECTOR -> {
        if (!module) {
          throw new UnsupportedOperationException("vectors were asked for, but " + MODULE_MISSING);
        }
        yield new VectorArithmetic();
      }
      case AUTO -> {
        if (!module) {
          Missing.say();
          yield new ScalarArithmetic(MODULE_MISSING + ", which makes it several times faster");
        }
        int bits = Preferred.bits();
        yield bits < 128
            ? new ScalarArithmetic("this machine's vectors have " + bits + " bits, not 128")
            : new WarmingArithmetic(new VectorArithmetic());
      }
    };
  }

  /** Whether the module is there: from the command line, or loaded by a launcher since. */
  private static boolean vectorsVisible() {
    try {
      Class.forName(MODULE + ".Vector", false, VectorSupport.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /** Says once a JVM, as its class is initialised once, what an application has forgotten. */
  private static final class Missing {
    static {
      LoggerFactory.getLogger(VectorSupport.class)
          .warn("{}: arithmetic is scalar, several times slower than with it", MODULE_MISSING);
    }

    static void say() {
      // Done by the class.
    }
  }

  /** A class of its own, so that looking at it is what loads the vector classes. */
  private static final class Preferred {
    static int bits() {
      return VectorShape.preferredShape().vectorBitSize();
    }
  }
}
