package dev.quire.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FigureJsonTest {
  private static Figure figure(String id, double paper) {
    return new Figure(
            id,
            "A title, σ = 1",
            "s a token",
            List.of(new Figure.Row("one", paper, 2.5), Figure.Row.ours("two", 3)),
            "A remark.",
            new Figure.Plot(
                "plot" + id.charAt(0),
                "x",
                "y",
                true,
                0.5,
                List.of(new Figure.Line("line", List.of(1.0, 2.0), List.of(0.1, 0.4)))))
        .madeBy("quire bench paper --figures " + id, "a machine");
  }

  private static Figure withTimes() {
    return figure("12", 1)
        .withTimes(
            List.of(
                new Figure.Times(
                    "one",
                    List.of(
                        new Figure.Part("all steps", 14, 0.028, 140),
                        new Figure.Part("up to 16 single tokens", 4, 0.014, 60))),
                new Figure.Times(
                    "other",
                    List.of(
                        new Figure.Part("all steps", 2, 0.002, 10),
                        new Figure.Part("up to 8 single tokens", 2, 0.002, 10)))));
  }

  @Test
  void figuresComeBackAsTheyWere() {
    List<Figure> figures = List.of(figure("2", 4), figure("12", Double.NaN), withTimes());
    assertThat(FigureJson.read(FigureJson.write(figures))).isEqualTo(figures);
  }

  @Test
  void timesStandSideBySideTheSmallerStepsFirst(@TempDir Path folder) throws Exception {
    Path page = folder.resolve("paper.md");
    PaperReport.write(page, List.of(withTimes()), "");
    assertThat(Files.readString(page))
        .contains(
            """
            |  | one | other |
            |---|---:|---:|
            | all steps | 14 × 2.00 ms of 10, 100 % | 2 × 1.00 ms of 5, 100 % |
            | up to 8 single tokens |  | 2 × 1.00 ms of 5, 100 % |
            | up to 16 single tokens | 4 × 3.50 ms of 15, 50 % |  |
            """);
  }

  @Test
  void otherJsonIsRefused() {
    for (String text : List.of("[1, 2]", "[{\"figure\": \"12\"}]", "{", "[{\"figure\": 12}]")) {
      assertThatThrownBy(() -> FigureJson.read(text))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("no figures of quire bench paper");
    }
  }

  @Test
  void thePageHasTheFiguresInThePapersOrderWithRatioCommandAndMachine(@TempDir Path folder)
      throws Exception {
    Path page = folder.resolve("paper.md");
    PaperReport.write(
        page,
        List.of(figure("18b", 1), figure("12, real", 1), figure("Table 1", 1), figure("2", 2)),
        "quire bench paper --page paper.md");
    String text = Files.readString(page);
    assertThat(text.lines().filter(line -> line.startsWith("## ")))
        .containsExactly(
            "## Table 1: A title, σ = 1",
            "## Figure 2: A title, σ = 1",
            "## Figure 12, real: A title, σ = 1",
            "## Figure 18b: A title, σ = 1");
    assertThat(text)
        .contains("quire bench paper --page paper.md")
        .contains("| one | 2.00 | 2.50 | 1.25 |")
        .contains("| two |  | 3.00 |  |")
        .contains("`quire bench paper --figures 2`; a machine")
        .contains("![A title, σ = 1](paper/plot2.png)");
    assertThat(Files.size(folder.resolve("paper/plot2.png"))).isPositive();
  }
}
