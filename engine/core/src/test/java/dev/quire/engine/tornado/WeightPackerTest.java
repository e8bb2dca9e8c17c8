package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.TilePacker;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class WeightPackerTest {
  private static final int INPUTS = 512;

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void packedWeightsAreThoseOfTheFile(TensorType type) {
    Tensor first = random(type, 24, 1);
    Tensor second = random(type, 13, 2);
    try (HostMirror mirror = new HostMirror()) {
      WeightPacker packer = new WeightPacker(mirror);
      DeviceMatrix matrix = packer.stack(wholes(first, second));
      fill(packer, mirror);
      assertThat(matrix.outputs()).isEqualTo(40);
      float[] top = decode(first);
      float[] bottom = decode(second);
      for (int o = 0; o < 37; o++) {
        for (int i = 0; i < INPUTS; i++) {
          float expected = o < 24 ? top[o * INPUTS + i] : bottom[(o - 24) * INPUTS + i];
          assertThat(weight(matrix, o, i)).isCloseTo(expected, within(tolerance(expected)));
        }
      }
      for (int o = 37; o < 40; o++) {
        assertThat(weight(matrix, o, 7)).isZero();
      }
      long bytes = matrix.arrays().stream().mapToLong(a -> a.getNumBytesOfSegment()).sum();
      assertThat(bytes).isEqualTo(WeightPacker.bytes(wholes(first, second)));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "Q8_0", "Q4_K"})
  void gateAndUpAreInterleaved(TensorType type) {
    Tensor gate = random(type, 16, 3);
    Tensor up = random(type, 16, 4);
    try (HostMirror mirror = new HostMirror()) {
      WeightPacker packer = new WeightPacker(mirror);
      DeviceMatrix matrix = Objects.requireNonNull(packer.interleave(wholes(gate, up)));
      fill(packer, mirror);
      float[] gates = decode(gate);
      float[] ups = decode(up);
      IntBinaryOperator row = (block, o) -> block * 16 + o;
      for (int j = 0; j < 16; j++) {
        float g = weight(matrix, row.applyAsInt(j / 8, j % 8), 300);
        float u = weight(matrix, row.applyAsInt(j / 8, 8 + j % 8), 300);
        assertThat(g).isCloseTo(gates[j * INPUTS + 300], within(tolerance(g)));
        assertThat(u).isCloseTo(ups[j * INPUTS + 300], within(tolerance(u)));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void expertsLieOneAboveTheOther(TensorType type) {
    List<Tensor> gatesAndUps = new ArrayList<>();
    List<Tensor> downs = new ArrayList<>();
    for (int e = 0; e < 3; e++) {
      gatesAndUps.addAll(List.of(random(type, 16, 10 + e), random(type, 16, 20 + e)));
      downs.add(random(type, 24, 30 + e));
    }
    List<MatrixPart> firsts = wholes(gatesAndUps.toArray(Tensor[]::new));
    List<MatrixPart> seconds = wholes(downs.toArray(Tensor[]::new));
    try (HostMirror mirror = new HostMirror()) {
      WeightPacker packer = new WeightPacker(mirror);
      DeviceMatrix first = packer.interleaveEach(firsts);
      DeviceMatrix second = packer.stackEach(seconds);
      fill(packer, mirror);
      assertThat(first.outputs()).isEqualTo(3 * 32);
      assertThat(second.outputs()).isEqualTo(3 * 24);
      for (int e = 0; e < 3; e++) {
        float[] gate = decode(gatesAndUps.get(2 * e));
        float[] up = decode(gatesAndUps.get(2 * e + 1));
        float[] down = decode(downs.get(e));
        for (int i = 0; i < INPUTS; i += 37) {
          for (int j = 0; j < 16; j++) {
            int at = e * 32 + j / 8 * 16 + j % 8;
            float g = gate[j * INPUTS + i];
            assertThat(weight(first, at, i)).isCloseTo(g, within(tolerance(g)));
            float u = up[j * INPUTS + i];
            assertThat(weight(first, at + 8, i)).isCloseTo(u, within(tolerance(u)));
          }
          for (int o = 0; o < 24; o++) {
            float d = down[o * INPUTS + i];
            assertThat(weight(second, e * 24 + o, i)).isCloseTo(d, within(tolerance(d)));
          }
        }
      }
      long bytes = first.arrays().stream().mapToLong(a -> a.getNumBytesOfSegment()).sum();
      assertThat(bytes).isEqualTo(WeightPacker.bytes(firsts));
    }
  }

  @Test
  void whatNoHalfHoldsStaysBf16() {
    Tensor tensor = random(TensorType.BF16, 8, 5);
    tensor.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * (3 * INPUTS + 9), (short) 0xC800);
    try (HostMirror mirror = new HostMirror()) {
      WeightPacker packer = new WeightPacker(mirror);
      DeviceMatrix matrix = packer.stack(wholes(tensor));
      assertThat(packer.interleave(wholes(tensor, tensor))).isNull();
      fill(packer, mirror);
      assertThat(packer.converted()).isEmpty();
      float[] values = decode(tensor);
      assertThat(values[3 * INPUTS + 9]).isEqualTo(-131072);
      for (int o = 0; o < 8; o++) {
        for (int i = 0; i < INPUTS; i++) {
          assertThat(weight(matrix, o, i)).isEqualTo(values[o * INPUTS + i]);
        }
      }
    }
  }

  @Test
  void whatNoHalfHoldsIsRefusedInF32() {
    Tensor tensor = random(TensorType.F32, 8, 5);
    tensor.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * (3 * INPUTS + 9), 131072);
    try (HostMirror mirror = new HostMirror()) {
      WeightPacker packer = new WeightPacker(mirror);
      packer.stack(wholes(tensor));
      assertThatThrownBy(() -> fill(packer, mirror))
          .hasMessageContaining("'w' row 3 column 9 is 131072.0");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "Q8_0", "Q4_0"})
  void headsAreFilledUpWithZeros(TensorType type) {
    Tensor tensor = random(type, 9, 6);
    MatrixPart part = new MatrixPart(tensor, new Extent(3, 3, 16), new Extent(INPUTS / 32, 32, 48));
    try (HostMirror mirror = new HostMirror()) {
      WeightPacker packer = new WeightPacker(mirror);
      DeviceMatrix matrix = packer.stack(List.of(part));
      FloatArray rows = packer.floats(part);
      fill(packer, mirror);
      int inputs = INPUTS / 32 * 48;
      assertThat(matrix).isInstanceOf(DeviceMatrix.Halves.class);
      assertThat(matrix.outputs()).isEqualTo(48);
      assertThat(matrix.inputs()).isEqualTo(inputs);
      float[] values = decode(tensor);
      HalfFloatArray weights = ((DeviceMatrix.Halves) matrix).weights();
      for (int o = 0; o < 48; o++) {
        for (int i = 0; i < inputs; i++) {
          boolean there = o % 16 < 3 && i % 48 < 32;
          int at = (o / 16 * 3 + o % 16) * INPUTS + i / 48 * 32 + i % 48;
          float expected = there ? values[at] : 0;
          assertThat(weights.get(WeightTiles.at(o, i, inputs)).getFloat32())
              .isCloseTo(expected, within(tolerance(expected)));
          assertThat(rows.get(o * inputs + i)).isEqualTo(expected);
        }
      }
    }
  }

  /** Fills what the host fills, and brings the rest through the device, two blocks at a time. */
  private static void fill(WeightPacker packer, HostMirror mirror) {
    packer.takeFills().forEach(Runnable::run);
    for (TilePack pack : packer.takePacks()) {
      Staging staging = new Staging(mirror, List.of(pack), 2 * 8 * INPUTS);
      assertThat(staging.blocks(pack)).isEqualTo(2);
      for (int first = 0; first < pack.blocks(); first += 2) {
        staging.fill(pack, first, 2);
        IntArray part = IntArray.fromElements(first, 2);
        FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
        TaskGraph graph =
            new TaskGraph("g")
                .transferToDevice(
                    DataTransferMode.EVERY_EXECUTION,
                    part,
                    staging.halves,
                    staging.brains,
                    scales,
                    pack.weights());
        KernelContext context = new KernelContext();
        graph =
            pack.brains()
                ? graph.task(
                    "t",
                    TilePacker::brains,
                    context,
                    part,
                    staging.brains,
                    scales,
                    pack.weights(),
                    INPUTS)
                : graph.task(
                    "t", TilePacker::halves, context, part, staging.halves, pack.weights(), INPUTS);
        graph = graph.transferToHost(DataTransferMode.EVERY_EXECUTION, pack.weights());
        try (var plan = new TornadoExecutionPlan(graph.snapshot())) {
          plan.withGridScheduler(new GridScheduler("g.t", TilePacker.grid(2, INPUTS))).execute();
        } catch (TornadoExecutionPlanException e) {
          throw new AssertionError(e);
        }
      }
      for (int i = pack.weights().getSize() - 3000; i < pack.weights().getSize(); i++) {
        assertThat(pack.expected(i)).isEqualTo(pack.weights().get(i).getFloat32());
      }
      for (int i = 56; i < 3000; i++) {
        assertThat(pack.expected(i)).isEqualTo(pack.weights().get(i).getFloat32());
      }
    }
  }

  private static List<MatrixPart> wholes(Tensor... tensors) {
    return Arrays.stream(tensors).map(MatrixPart::whole).toList();
  }

  /** Scales and leasts, and so weights of up to 4, are rounded to halves. */
  private static float tolerance(float value) {
    return 3e-3f + 1e-3f * Math.abs(value);
  }

  private static float weight(DeviceMatrix matrix, int output, int input) {
    return switch (matrix) {
      case DeviceMatrix.Halves halves ->
          halves.weights().get(WeightTiles.at(output, input, INPUTS)).getFloat32();
      case DeviceMatrix.Brains brains -> {
        int at = WeightTiles.at(output, input, INPUTS);
        yield Float.intBitsToFloat(brains.weights().get(at / 2) >> (at % 2 * 16) << 16);
      }
      case DeviceMatrix.Quants quants -> {
        int at = QuantTiles.quantAt(output, input, INPUTS);
        int quant = (byte) (quants.quants().get(at / 4) >> (at % 4 * 8));
        yield quant * quants.scales().get(QuantTiles.scaleAt(output, input, INPUTS)).getFloat32();
      }
      case DeviceMatrix.Nibbles nibbles -> {
        int eight = nibbles.nibbles().get(NibbleTiles.intAt(output, input, INPUTS));
        int nibble = (eight >> NibbleTiles.shift(output, input)) & 15;
        int step = NibbleTiles.stepAt(output, input, INPUTS);
        yield nibbles.steps().get(step).getFloat32() * nibble
            - nibbles.steps().get(step + 1).getFloat32();
      }
    };
  }

  private static float[] decode(Tensor tensor) {
    float[] values = new float[(int) tensor.elements()];
    tensor.type().codec().decode(tensor.data(), 0, values, 0, values.length);
    return values;
  }

  private static Tensor random(TensorType type, int rows, int seed) {
    float[] values = new float[rows * INPUTS];
    Random random = new Random(seed);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    MemorySegment data = MemorySegment.ofArray(new byte[(int) type.bytesFor(values.length)]);
    type.codec().encode(values, 0, data, 0, values.length);
    return new Tensor("w", type, new long[] {rows, INPUTS}, data);
  }
}
