package dev.quire.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.ModelReading;
import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingParams;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class HeadStartTest {
  private static final SamplingParams FEW =
      SamplingParams.builder().maxTokens(4).temperature(0).build();

  @TempDir private Path folder;
  private Path model = Path.of("");

  @BeforeEach
  void copyTheModel() throws IOException {
    model = folder.resolve("model.gguf");
    try (InputStream in =
        HeadStartTest.class.getResourceAsStream("/dev/quire/model/default.gguf")) {
      Files.copy(Objects.requireNonNull(in), model);
    }
  }

  private static HeadStart start(String... args) {
    return HeadStart.of(args);
  }

  @Test
  void aModelThatIsBeingReadIsTakenOnce() {
    try (HeadStart _ = start("run", "-n", "4", "-m", model.toString(), "ROMEO:")) {
      try (ModelReading reading = Objects.requireNonNull(HeadStart.take(model));
          Engine early = Engine.load(reading, EngineOptions.defaults());
          Engine late = Engine.load(model, EngineOptions.defaults())) {
        assertThat(HeadStart.take(model)).isNull();
        assertThat(early.generate("ROMEO:", FEW).text())
            .isEqualTo(late.generate("ROMEO:", FEW).text());
        assertThatThrownBy(() -> Engine.load(reading, EngineOptions.defaults()))
            .isInstanceOf(QuireException.class)
            .hasMessageContaining("model.gguf");
      }
    }
  }

  @Test
  void whatNobodyTakesIsClosed() {
    try (HeadStart _ = start("chat", "--model", model.toString())) {
      assertThat(HeadStart.take(folder.resolve("other.gguf"))).isNull();
    }
    assertThat(HeadStart.take(model)).isNull();
  }

  @Test
  void otherCommandsAndModelsThatAreNoFilesHaveNone() {
    for (String[] args :
        new String[][] {
          {},
          {"run"},
          {"run", "-m"},
          {"run", "-m", "hf:owner/name"},
          {"run", "-m", "\0"},
          {"run", "-m", folder.toString()},
          {"inspect", "-m", model.toString()}
        }) {
      try (HeadStart _ = start(args)) {
        assertThat(HeadStart.take(model)).isNull();
        assertThat(HeadStart.take(folder)).isNull();
      }
    }
  }

  @Test
  void aSpoiledFileIsRefusedWhereItIsLoaded() throws IOException {
    Files.write(model, "no model".getBytes(UTF_8));
    try (HeadStart _ = start("serve", "-m", model.toString());
        ModelReading reading = Objects.requireNonNull(HeadStart.take(model))) {
      assertThatThrownBy(() -> Engine.load(reading, EngineOptions.defaults()))
          .hasMessageContaining("model.gguf");
    }
  }
}
