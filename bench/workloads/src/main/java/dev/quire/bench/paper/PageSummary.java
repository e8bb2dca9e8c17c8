package dev.quire.bench.paper;

import java.util.List;
import java.util.function.DoubleFunction;

/** The page's first table: the values that the paper's claims rest on. */
final class PageSummary {
  private record Claim(String figure, String titlePart, String row, String text) {}

  private static final List<Claim> CLAIMS =
      List.of(
          new Claim("2", "", "Quire: token states", "memory that holds tokens, %"),
          new Claim("12", "13B, ShareGPT", "Quire over Orca (Oracle)", "rate over Orca (Oracle)"),
          new Claim("12", "13B, ShareGPT", "Quire over Orca (Max)", "rate over Orca (Max)"),
          new Claim(
              "12, real",
              "",
              "Quire over Orca (Oracle): rate",
              "rate over Orca (Oracle), ShareGPT"),
          new Claim(
              "12, real", "", "Quire over Orca (Max): rate", "rate over Orca (Max), ShareGPT"),
          new Claim(
              "13", "", "ShareGPT: Quire over Orca (Oracle)", "batched over Orca (Oracle), 2/s"),
          new Claim("13", "", "ShareGPT: Quire over Orca (Max)", "batched over Orca (Max), 2/s"),
          new Claim(
              "13",
              "",
              "ShareGPT at the paper's load: Quire over Orca (Oracle)",
              "batched over Orca (Oracle), at the paper's load"),
          new Claim(
              "13",
              "",
              "ShareGPT at the paper's load: Quire over Orca (Max)",
              "batched over Orca (Max), at the paper's load"),
          new Claim("14", "", "6 beams", "over Orca (Oracle), 6 beams"),
          new Claim("14, real", "", "6 beams", "over Orca (Oracle), 6 beams"),
          new Claim("15, real", "", "6 samples", "blocks saved by 6 samples, %"),
          new Claim("15, real", "", "6 beams", "blocks saved by 6 beams, %"),
          new Claim("16", "", "prefix of 80 tokens", "over Orca (Oracle), shared prefix of 80"),
          new Claim("16", "", "prefix of 341 tokens", "over Orca (Oracle), shared prefix of 341"),
          new Claim(
              "16, real", "", "prefix of 80 tokens", "over Orca (Oracle), shared prefix of 80"),
          new Claim(
              "16, real", "", "prefix of 341 tokens", "over Orca (Oracle), shared prefix of 341"),
          new Claim("17", "", "over Orca (Max)", "chat over Orca (Max)"),
          new Claim("17, real", "", "over Orca (Max)", "chat over Orca (Max)"),
          new Claim(
              "18a",
              "",
              "1B 128x1024 block 16: over contiguous",
              "paged attention over contiguous"),
          new Claim(
              "19, real",
              "",
              "blocks of 16: recomputing over swapping",
              "recomputing over swapping, blocks of 16"));

  private PageSummary() {}

  /** A table of those that are there. */
  static String of(List<Figure> figures, DoubleFunction<String> number) {
    StringBuilder table = new StringBuilder();
    table.append("| figure | what | paper | ours | ratio | by |\n|---|---|---:|---:|---:|---|\n");
    for (Claim claim : CLAIMS) {
      for (Figure figure : figures) {
        if (!figure.id().equals(claim.figure()) || !figure.title().contains(claim.titlePart())) {
          continue;
        }
        for (Figure.Row row : figure.rows()) {
          if (row.what().equals(claim.row())) {
            table.append(
                "| %s | %s | %s | %s | %s | %s |\n"
                    .formatted(
                        figure.id().replace(", real", ""),
                        claim.text(),
                        number.apply(row.paper()),
                        number.apply(row.ours()),
                        number.apply(row.ratio()),
                        figure.machine().isEmpty() ? "simulated time" : figure.machine()));
          }
        }
      }
    }
    return table.toString();
  }
}
