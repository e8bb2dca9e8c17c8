package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The {@code openai} package from npm: src/test/node/openai.test.js under node's test runner. */
class NodeClientTest {
  private static final int INSTALL_SECONDS = 180;
  private static final int TEST_SECONDS = 240;

  @Test
  void theOpenaiPackageFindsItsApi() throws IOException, InterruptedException {
    Tools.require("node");
    Path npm = Tools.require("npm");
    Path source = Tools.root().resolve("tests/src/test/node");
    Path work = Tools.root().resolve("tests/target/node");
    Files.createDirectories(work);
    for (String file : List.of("package.json", "package-lock.json", "openai.test.js")) {
      Files.copy(source.resolve(file), work.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
    if (!Files.exists(work.resolve("node_modules/openai"))
        || !Files.exists(work.resolve("node_modules/zod"))) {
      var install =
          run(
              work,
              Map.of(),
              INSTALL_SECONDS,
              npm.toString(),
              "ci",
              "--no-audit",
              "--no-fund",
              "--ignore-scripts");
      if (install.code() != 0) {
        throw Tools.missing("npm cannot install the openai package: " + install.output());
      }
    }
    try (ServedModel served = ServedModel.start(List.of(ServedModel.KEY))) {
      var result =
          run(
              work,
              Map.of(
                  "QUIRE_URL", served.url(),
                  "QUIRE_KEY", ServedModel.KEY,
                  "QUIRE_MODEL", ServedModel.NAME),
              TEST_SECONDS,
              "node",
              "--test",
              "openai.test.js");
      assertThat(result.code()).as(result.output()).isZero();
    }
  }

  private record Result(int code, String output) {}

  private static Result run(
      Path folder, Map<String, String> environment, int seconds, String... command)
      throws IOException, InterruptedException {
    Path log = folder.resolve("output.log");
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return new Result(-1, "took too long: " + Files.readString(log));
    }
    return new Result(process.exitValue(), Files.readString(log));
  }
}
