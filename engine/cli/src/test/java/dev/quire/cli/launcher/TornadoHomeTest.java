package dev.quire.cli.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TornadoHomeTest {
  @TempDir Path sdk;

  @BeforeEach
  void installs() throws IOException {
    write("etc/tornado.backend", "tornado.backends=cuda-backend,opencl-backend\n");
    write("etc/exportLists/common-exports", "");
    write("etc/exportLists/cuda-exports", "");
    write("lib/libtornado-cuda.so", "");
    write("share/java/graalJars/compiler-25.0.2.jar", "");
    for (String jar :
        new String[] {
          "tornado-api", "tornado-runtime", "tornado-annotation", "tornado-drivers-common",
          "tornado-drivers-cuda", "tornado-drivers-opencl", "tornado-cublas", "tornado-examples"
        }) {
      write("share/java/tornado/" + jar + "-5.2.1.jar", "");
    }
    write("share/java/tornado/commons-math3-3.6.1.jar", "");
  }

  private void write(String path, String text) throws IOException {
    Path file = sdk.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private TornadoHome home() {
    return new TornadoHome(sdk.toFile());
  }

  @Test
  void loadsOneBackendAndItsNeeds() throws IOException {
    assertThat(home().backend()).isEqualTo("cuda");
    String modulePath =
        home().flags("cuda", 0).stream()
            .filter(flag -> flag.startsWith("--module-path="))
            .findFirst()
            .orElseThrow();
    assertThat(modulePath)
        .contains("tornado-drivers-cuda-", "tornado-cublas-", "commons-math3-")
        .doesNotContain("opencl", "examples");
  }

  @Test
  void aKernelThatDoesNotCompileIsAnError() {
    assertThat(home().flags("cuda", 81559))
        .contains("-Dtornado.recover.bailout=False", "-Dtornado.device.memory=81559MB");
    assertThat(home().flags("cuda", 0)).noneMatch(flag -> flag.contains("device.memory"));
  }

  @Test
  void theExecutorSeesWhatItChangesOfTornadoVm() {
    assertThat(home().flags("cuda", 0))
        .contains(
            "--add-opens=tornado.api/uk.ac.manchester.tornado.api=ALL-UNNAMED",
            "--add-opens=tornado.drivers.cuda/uk.ac.manchester.tornado.drivers.cuda=ALL-UNNAMED");
    // A flag for a module that isn't there would be a line of warning.
    assertThat(home().flags("ptx", 0)).noneMatch(flag -> flag.contains("tornado.drivers.cuda"));
  }

  @Test
  void saysWhatIsMissing() throws IOException {
    Files.delete(sdk.resolve("lib/libtornado-cuda.so"));
    assertRefused("native library is missing", "libtornado-cuda.so");
    Files.delete(sdk.resolve("share/java/tornado/tornado-runtime-5.2.1.jar"));
    assertRefused("incomplete", "tornado-runtime");
    write("etc/tornado.backend", "tornado.backends=spirv-backend");
    assertRefused("spirv-backend", "cuda");
    Files.delete(sdk.resolve("etc/tornado.backend"));
    assertRefused("no TornadoVM SDK", "etc/tornado.backend");
  }

  @Test
  void saysWhatVersionItNeeds() throws IOException {
    Path jars = sdk.resolve("share/java/tornado");
    for (String other : new String[] {"4.0.1", "5.1.0-jdk25", "5.2.1-jdk21-dev"}) {
      Path api = Files.move(jars.resolve("tornado-api-5.2.1.jar"), api(other));
      assertRefused("is TornadoVM " + other + "; Quire needs 5.2 or later for JDK 25");
      Files.move(api, jars.resolve("tornado-api-5.2.1.jar"));
    }
    Files.move(jars.resolve("tornado-api-5.2.1.jar"), api("5.2.2-jdk25"));
    assertRefused("incomplete: tornado-runtime-5.2.2-jdk25 is missing");
    for (String jar : new String[] {"tornado-runtime", "tornado-drivers-cuda"}) {
      write("share/java/tornado/" + jar + "-5.2.2-jdk25.jar", "");
    }
    assertThat(home().backend()).isEqualTo("cuda");
  }

  private Path api(String version) {
    return sdk.resolve("share/java/tornado/tornado-api-" + version + ".jar");
  }

  @Test
  void saysThatTheCompilerIsMissing() throws IOException {
    Files.delete(sdk.resolve("share/java/graalJars/compiler-25.0.2.jar"));
    assertRefused("the compiler is missing in share/java/graalJars");
  }

  @Test
  void saysThatThereIsNoFolder() {
    assertThatThrownBy(() -> new TornadoHome(sdk.resolve("absent").toFile()).backend())
        .hasMessageContaining("absent is no folder");
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> home().backend())
        .isInstanceOf(IOException.class)
        .message()
        .contains(parts)
        .contains(sdk.toString())
        .doesNotContain("\n");
  }

  @Test
  void readsTheDeviceBeforeTheParser() {
    assertThat(DeviceArgument.of(args("run -m model.gguf --device gpu hello"))).isEqualTo("gpu");
    assertThat(DeviceArgument.of(args("serve --device=cpu"))).isEqualTo("cpu");
    assertThat(DeviceArgument.of(args("chat --device GPU"))).isEqualTo("gpu");
    assertThat(DeviceArgument.of(args("bench step --streams 1"))).isEqualTo("auto");
    assertThat(DeviceArgument.of(args("bench paper --real"))).isEqualTo("auto");
    assertThat(DeviceArgument.of(args("bench llama -m model.gguf"))).isEqualTo("auto");
    assertThat(DeviceArgument.of(args("run -m model.gguf -- --device gpu"))).isEqualTo("auto");
    assertThat(DeviceArgument.of(args("inspect model.gguf"))).isEmpty();
  }

  private static String[] args(String line) {
    return line.split(" ", -1);
  }

  @Test
  void theUsersLibraryPathStaysInFront() {
    Map<String, String> added =
        TornadoHome.environment(
            Map.of("CUDA_PATH", sdk.toString(), "LD_LIBRARY_PATH", "/opt/mine"));
    assertThat(added).isEmpty();
    assertThat(sdk.resolve("lib64").toFile().mkdir()).isTrue();
    added =
        TornadoHome.environment(
            Map.of("CUDA_PATH", sdk.toString(), "LD_LIBRARY_PATH", "/opt/mine"));
    assertThat(added).containsEntry("LD_LIBRARY_PATH", "/opt/mine:" + sdk.resolve("lib64"));
  }
}
