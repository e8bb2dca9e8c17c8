package dev.quire.engine.cpu.math;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The sixteen partial sums of a sum as one vector of 512 bits. */
final class Lanes512 {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_512;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_512;
  static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_256;
  static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;
  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static final VectorShuffle<Float> BY_8 = turn(8);
  private static final VectorShuffle<Float> BY_4 = turn(4);
  private static final VectorShuffle<Float> BY_2 = turn(2);
  private static final VectorShuffle<Float> BY_1 = turn(1);

  private Lanes512() {}

  private static VectorShuffle<Float> turn(int by) {
    return VectorShuffle.fromOp(FLOATS, i -> (i + by) % Arithmetic.LANES);
  }

  /** As {@link ScalarMath#total}. */
  static float total(FloatVector v) {
    FloatVector t = v.add(v.rearrange(BY_8));
    t = t.add(t.rearrange(BY_4));
    t = t.add(t.rearrange(BY_2));
    return t.add(t.rearrange(BY_1)).lane(0);
  }

  /** As {@link ScalarMath#exp}. */
  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.min(ScalarMath.EXP_MAX).max(ScalarMath.EXP_MIN);
    FloatVector rounder = FloatVector.broadcast(FLOATS, ScalarMath.ROUNDER);
    FloatVector n = clamped.fma(splat(ScalarMath.LOG2_E), rounder).sub(rounder);
    FloatVector r = n.fma(splat(-ScalarMath.LN2_HIGH), clamped);
    r = n.fma(splat(-ScalarMath.LN2_LOW), r);
    FloatVector p = r.fma(splat(ScalarMath.C7), splat(ScalarMath.C6));
    p = p.fma(r, splat(ScalarMath.C5));
    p = p.fma(r, splat(ScalarMath.C4));
    p = p.fma(r, splat(ScalarMath.C3));
    p = p.fma(r, splat(ScalarMath.C2));
    p = p.fma(r, splat(1));
    p = p.fma(r, splat(1));
    IntVector exponent = (IntVector) n.convertShape(VectorOperators.F2I, INTS, 0);
    FloatVector power = exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    VectorMask<Float> tooSmall = x.compare(VectorOperators.LT, ScalarMath.EXP_MIN);
    return p.mul(power).blend(0, tooSmall);
  }

  /** As {@link ScalarMath#sigmoid}. */
  static FloatVector sigmoid(FloatVector x) {
    return splat(1).div(exp(x.neg()).add(1));
  }

  /** As {@link ScalarMath#tanh}. */
  static FloatVector tanh(FloatVector x) {
    FloatVector e = exp(x.abs().mul(-2));
    FloatVector magnitude = splat(1).sub(e).div(splat(1).add(e));
    IntVector sign = x.reinterpretAsInts().and(0x80000000);
    return magnitude.reinterpretAsInts().or(sign).reinterpretAsFloats();
  }

  static FloatVector splat(float value) {
    return FloatVector.broadcast(FLOATS, value);
  }

  /** Halves, exactly: exponent and fraction moved into place, the bias corrected by a product. */
  static FloatVector halves(ShortVector bits) {
    IntVector h = (IntVector) bits.convertShape(VectorOperators.S2I, INTS, 0);
    IntVector magnitude = h.and(0x7FFF).lanewise(VectorOperators.LSHL, 13);
    FloatVector finite = magnitude.reinterpretAsFloats().mul(0x1p112f);
    VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7C00 << 13);
    IntVector value = finite.reinterpretAsInts().blend(magnitude.or(0x7F800000), special);
    return value.or(h.and(0x8000).lanewise(VectorOperators.LSHL, 16)).reinterpretAsFloats();
  }

  static FloatVector brainFloats(ShortVector bits) {
    IntVector h = (IntVector) bits.convertShape(VectorOperators.S2I, INTS, 0);
    return h.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }
}
