package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class BlockSwapTest {
  private static final int BLOCKS = 9;
  private static final int MOST = 4;

  /** Two layers of different sizes share a record; the second layer's blocks move. */
  @ParameterizedTest
  @ValueSource(ints = {2, 6, 512, 1040})
  void blocksGoOutAndComeBackElsewhere(int size) {
    int place = 10;
    int record = place + 2 * size;
    HalfFloatArray keys = Device.halves(Device.normal(new Random(1), BLOCKS * size));
    HalfFloatArray values = Device.halves(Device.normal(new Random(2), BLOCKS * size));
    HalfFloatArray staging = Device.halves(Device.normal(new Random(3), MOST * record));
    int[] blocks = {8, 2, 4};
    float[] expected = Device.floats(staging);
    BlockSwap.reference(Device.floats(keys), blocks, expected, place, size, record);
    BlockSwap.reference(Device.floats(values), blocks, expected, place + size, size, record);
    IntArray out = IntArray.fromElements(3, 8, 2, 4, 99);
    IntArray places = IntArray.fromElements(place);
    Device.run(
        BlockSwap.grid(MOST),
        Device.in(out, places, keys, values, staging),
        g ->
            g.task(
                "kernel",
                BlockSwap::gather,
                new KernelContext(),
                out,
                places,
                keys,
                values,
                staging,
                size,
                record),
        Device.out(staging));
    assertThat(Device.floats(staging)).isEqualTo(expected);

    IntArray in = IntArray.fromElements(3, 0, 5, 7, 99);
    HalfFloatArray otherKeys = Device.halves(Device.normal(new Random(4), BLOCKS * size));
    HalfFloatArray otherValues = Device.halves(Device.normal(new Random(5), BLOCKS * size));
    float[] expectedKeys = moved(keys, blocks, otherKeys, new int[] {0, 5, 7}, size);
    float[] expectedValues = moved(values, blocks, otherValues, new int[] {0, 5, 7}, size);
    Device.run(
        BlockSwap.grid(MOST),
        Device.in(in, places, staging, otherKeys, otherValues),
        g ->
            g.task(
                "kernel",
                BlockSwap::scatter,
                new KernelContext(),
                in,
                places,
                staging,
                otherKeys,
                otherValues,
                size,
                record),
        Device.out(otherKeys, otherValues));
    assertThat(Device.floats(otherKeys)).isEqualTo(expectedKeys);
    assertThat(Device.floats(otherValues)).isEqualTo(expectedValues);
  }

  private static float[] moved(
      HalfFloatArray from, int[] sources, HalfFloatArray to, int[] destinations, int size) {
    float[] source = Device.floats(from);
    float[] result = Arrays.copyOf(Device.floats(to), to.getSize());
    for (int i = 0; i < sources.length; i++) {
      System.arraycopy(source, sources[i] * size, result, destinations[i] * size, size);
    }
    return result;
  }
}
