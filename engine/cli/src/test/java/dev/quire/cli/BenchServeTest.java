package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.server.QuireServer;
import dev.quire.server.ServerOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code bench serve} against this project's own server. */
class BenchServeTest {
  private static Engine engine;
  private static QuireServer server;

  @TempDir private Path folder;
  private String out = "";
  private String err = "";

  @BeforeAll
  static void start() {
    engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(256).build());
    server =
        QuireServer.start(
            engine,
            new ServerOptions("127.0.0.1", 0, List.of("key"), "bard"),
            ChatFormat.of(engine),
            "test");
  }

  @AfterAll
  static void stop() {
    server.close();
    engine.close();
  }

  private int bench(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "bench",
                "serve",
                "--url",
                "http://127.0.0.1:" + server.port(),
                "--model",
                "bard",
                "--longest",
                "20",
                "--requests",
                "12"));
    arguments.addAll(List.of(more));
    var printed = new ByteArrayOutputStream();
    var said = new ByteArrayOutputStream();
    int code =
        CommandLineRunner.run(
            new Console(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(printed, false, StandardCharsets.UTF_8),
                new PrintStream(said, true, StandardCharsets.UTF_8),
                Terminals.NONE),
            arguments.toArray(String[]::new));
    out = printed.toString(StandardCharsets.UTF_8);
    err = said.toString(StandardCharsets.UTF_8);
    return code;
  }

  private JsonNode figures(Path file) throws IOException {
    return new JsonMapper().readTree(Files.readString(file));
  }

  @Test
  void measuresAtARateAndWritesFiguresAndAPlot() throws IOException {
    Path json = folder.resolve("figures.json");
    Path plot = folder.resolve("plot.png");
    int code =
        bench(
            "--api-key",
            "key",
            "--rate",
            "20",
            "--goodput-ttft",
            "60000",
            "--goodput-tpot",
            "60000",
            "--json",
            json.toString(),
            "--plot",
            plot.toString());
    assertThat(code).as(err).isZero();
    assertThat(out).contains("12 requests", "0 failed", "goodput", "time to first token", "p99");
    JsonNode figures = figures(json);
    assertThat(figures.path("requests").intValue()).isEqualTo(12);
    assertThat(figures.path("outputTokens").intValue()).isPositive();
    for (String latency : List.of("ttftMillis", "tpotMillis", "itlMillis", "e2eMillis")) {
      JsonNode each = figures.path(latency);
      assertThat(each.path("p50").doubleValue()).as(latency).isPositive();
      assertThat(each.path("p99").doubleValue())
          .as(latency)
          .isGreaterThanOrEqualTo(each.path("p50").doubleValue());
    }
    // Every request keeps targets of a minute, so the goodput is the throughput.
    assertThat(figures.path("goodputRequestsPerSecond").doubleValue())
        .isEqualTo(figures.path("requestsPerSecond").doubleValue());
    assertThat(ImageIO.read(plot.toFile()).getWidth()).isGreaterThan(400);
  }

  @Test
  void noneKeepsATargetOfNothing() throws IOException {
    Path json = folder.resolve("figures.json");
    int code =
        bench(
            "--api-key",
            "key",
            "--concurrency",
            "4",
            "--goodput-ttft",
            "0.0001",
            "--json",
            json.toString());
    assertThat(code).as(err).isZero();
    assertThat(figures(json).path("goodputRequestsPerSecond").doubleValue()).isZero();
  }

  @Test
  void readsAWorkloadAndCountsWhatFails() throws IOException {
    Path file = folder.resolve("work.jsonl");
    Files.writeString(file, "{\"prompt\": \"ROMEO:\", \"output_tokens\": 3}\n".repeat(12));
    assertThat(bench("--api-key", "key", "--workload", "file", "--file", file.toString())).isZero();
    assertThat(bench("--api-key", "wrong")).isEqualTo(CommandLineRunner.FAILED);
    assertThat(out).contains("12 failed");
  }
}
