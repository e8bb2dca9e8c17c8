package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What an application gets with {@code dev.quire:engine}: this list, and nothing else. */
class DependenciesTest {
  private static final Path LIST = Path.of("target/runtime-dependencies.txt");
  private static final Pattern ARTIFACT =
      Pattern.compile("([\\w.-]+):([\\w.-]+):jar:\\S+:(?:compile|runtime)");

  @Test
  void theEngineBringsOnlyWhatItNeeds() throws IOException {
    assumeTrue(Files.exists(LIST), "only Maven's build makes " + LIST);
    var found = new TreeSet<String>();
    Matcher artifacts = ARTIFACT.matcher(Files.readString(LIST));
    while (artifacts.find()) {
      found.add(artifacts.group(1) + ":" + artifacts.group(2));
    }
    assertThat(found)
        .containsExactly(
            "com.fasterxml.jackson.core:jackson-annotations",
            "dev.quire:kernels",
            "dev.quire:paging",
            "dev.quire:tokenizer",
            "dev.quire:tornado-jvm",
            "dev.quire:weights",
            "org.slf4j:slf4j-api",
            "tools.jackson.core:jackson-core",
            "tools.jackson.core:jackson-databind");
  }
}
