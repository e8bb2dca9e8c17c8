package dev.quire.bench.kernels;

import java.util.ArrayList;
import java.util.List;

/** Products of weights and activations: one row, a few, many. */
final class ProductCases {
  private ProductCases() {}

  static List<KernelCase> of(Scale scale) {
    List<KernelCase> cases = new ArrayList<>(VectorCases.of(scale));
    cases.addAll(TileCases.of(scale));
    cases.addAll(Bf16Cases.of(scale));
    return cases;
  }

  /** Makes a case's launches from its arrays. */
  @FunctionalInterface
  interface Maker {
    KernelWork make(ProductShape.Arrays arrays);
  }

  /** A case with weights in halves, as the kernels have them. */
  static KernelCase halves(String kernel, ProductShape shape, int splits, Maker maker) {
    return new KernelCase(
        kernel,
        shape.text(),
        shape.bytes(2),
        shape.operations(),
        () -> maker.make(ProductShape.Arrays.tiles(shape, splits)));
  }

  /** A case with weights in Q8_0: 34 bytes for 32. */
  static KernelCase quants(String kernel, ProductShape shape, int splits, Maker maker) {
    return new KernelCase(
        kernel,
        shape.text(),
        shape.bytes(34 / 32.0),
        shape.operations(),
        () -> maker.make(ProductShape.Arrays.quants(shape, splits)));
  }

  /** A case with weights in four bits: 20 bytes for 32, 16 of nibbles, a scale and a least. */
  static KernelCase nibbles(String kernel, ProductShape shape, int splits, Maker maker) {
    return new KernelCase(
        kernel,
        shape.text(),
        shape.bytes(20 / 32.0),
        shape.operations(),
        () -> maker.make(ProductShape.Arrays.nibbles(shape, splits)));
  }
}
