package dev.quire.bench.paper;

import dev.quire.bench.kernels.DeviceLimits;
import dev.quire.bench.kernels.KernelBench;
import dev.quire.bench.kernels.KernelCase;
import dev.quire.bench.kernels.KernelCases;
import dev.quire.bench.kernels.Scale;
import dev.quire.bench.paper.Figure.Row;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Figure 18a on a GPU: the attention kernel with a block table and without. */
final class KernelFigure {
  // The paper has 20 to 26 %.
  private static final double PAPER_RATIO = 1.23;
  private static final double SECONDS_EACH = 0.3;

  private final Consumer<String> progress;

  KernelFigure(Consumer<String> progress) {
    this.progress = progress;
  }

  Figure figure() {
    KernelBench bench = new KernelBench(true, SECONDS_EACH);
    DeviceLimits limits = bench.limits(Scale.FULL, progress);
    List<KernelCase> cases =
        KernelCases.matching(
            KernelCases.of(Scale.FULL),
            List.of(
                "PagedAttention 1B 128x1024", "PagedAttention 8B 128x1024", "ContiguousAttention"));
    Map<String, Double> micros = new LinkedHashMap<>();
    for (KernelCase one : cases) {
      micros.put(one.name(), bench.measure(one, limits).micros());
      progress.accept("%s: %.1f µs".formatted(one.name(), micros.get(one.name())));
    }
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<String, Double> entry : micros.entrySet()) {
      rows.add(Row.ours(entry.getKey() + ", µs", entry.getValue()));
    }
    for (Map.Entry<String, Double> entry : micros.entrySet()) {
      if (entry.getKey().startsWith("Paged")) {
        String[] words = entry.getKey().split(" ", -1);
        Double contiguous = micros.get("ContiguousAttention " + words[1] + " " + words[2]);
        if (contiguous != null) {
          String label = entry.getKey().substring(words[0].length() + 1);
          rows.add(
              new Row(label + ": over contiguous", PAPER_RATIO, entry.getValue() / contiguous));
        }
      }
    }
    return new Figure(
        "18a",
        "The attention kernel's time with a block table over without one",
        "",
        rows,
        "Single queries of 128 sequences of 1024 positions at the shapes of Llama-3.2-1B and 8B, by"
            + " block size. The kernel without a table is ours, too; the paper's was"
            + " FasterTransformer's, and its kernel took 1.20 to 1.26 times as long.",
        null);
  }
}
