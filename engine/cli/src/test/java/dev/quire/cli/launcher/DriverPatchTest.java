package dev.quire.cli.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriverPatchTest {
  private static final String KIND = "uk/ac/manchester/tornado/drivers/cuda/graal/lir/CUDAKind";
  private static final String TOOL = "uk/ac/manchester/tornado/drivers/cuda/graal/CUDALIRKindTool";
  private static final String CAST =
      "uk/ac/manchester/tornado/drivers/cuda/graal/asm/CUDAAssembler$CUDAUnaryOp";

  @TempDir Path temporary;

  /** A class whose method {@code text} returns a constant; there are others around it. */
  private static byte[] type(String name, String text) {
    return ClassFile.of()
        .build(
            ClassDesc.ofInternalName(name),
            type ->
                type.withMethodBody(
                    "text",
                    MethodTypeDesc.of(ConstantDescs.CD_String),
                    ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                    code ->
                        code.loadConstant(5_000_000_000L)
                            .pop2()
                            .loadConstant(2.5)
                            .pop2()
                            .loadConstant(text)
                            .areturn()));
  }

  private static Object text(String name, byte[] type) throws ReflectiveOperationException {
    ClassLoader loader =
        new ClassLoader(null) {
          @Override
          protected Class<?> findClass(String wanted) {
            return defineClass(wanted, type, 0, type.length);
          }
        };
    return loader.loadClass(name.replace('/', '.')).getMethod("text").invoke(null);
  }

  private File driver(String kind, String cast) throws IOException {
    Path jar = temporary.resolve("driver.jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new ZipEntry(KIND + ".class"));
      out.write(type(KIND, kind));
      out.putNextEntry(new ZipEntry(TOOL + ".class"));
      out.write(type(TOOL, "ULONG"));
      out.putNextEntry(new ZipEntry(CAST + ".class"));
      out.write(type(CAST, cast));
    }
    return jar.toFile();
  }

  @Test
  void aConstantIsReplacedAndTheClassStillLoads() throws Exception {
    InputStream old = new ByteArrayInputStream(type("a/B", "unsigned long long"));
    byte[] changed = DriverPatch.replace(old, "unsigned long long", "a much longer constant, ü");
    assertThat(text("a/B", Objects.requireNonNull(changed))).isEqualTo("a much longer constant, ü");
  }

  @Test
  void addressesBecomePointers() throws Exception {
    File driver = driver("unsigned long long", "(unsigned long long) ");
    String flag = DriverPatch.flag(driver, temporary.resolve("cache").toFile());
    assertThat(flag).isNotNull().startsWith("--patch-module=tornado.drivers.cuda=");
    Path folder = Path.of(Objects.requireNonNull(flag).replaceFirst(".*=", ""));
    String pointer = "decltype((unsigned char *) 0)";
    assertThat(text(KIND, Files.readAllBytes(folder.resolve(KIND + ".class")))).isEqualTo(pointer);
    assertThat(text(TOOL, Files.readAllBytes(folder.resolve(TOOL + ".class")))).isEqualTo("LONG");
    assertThat(text(CAST, Files.readAllBytes(folder.resolve(CAST + ".class"))))
        .isEqualTo("(" + pointer + ") ");
    assertThat(DriverPatch.flag(driver, temporary.resolve("cache").toFile())).isEqualTo(flag);
    assertThat(DriverPatch.flag(driver, null)).isNotNull();
  }

  @Test
  void anotherDriverStaysAsItIs() throws Exception {
    File cache = temporary.resolve("cache").toFile();
    assertThat(DriverPatch.flag(driver("size_t", "(size_t) "), cache)).isNull();
    assertThat(DriverPatch.flag(driver("unsigned long long", "(size_t) "), cache)).isNull();
    assertThat(DriverPatch.flag(temporary.resolve("absent.jar").toFile(), cache)).isNull();
    assertThat(cache).doesNotExist();
  }

  @Test
  void theChildIsToldWhetherItsDriverIsPatched() throws Exception {
    File cache = temporary.resolve("cache").toFile();
    File known = driver("unsigned long long", "(unsigned long long) ");
    assertThat(DriverPatch.flags(known, cache, null))
        .hasSize(2)
        .contains("-Dquire.driver.patched=true");
    assertThat(DriverPatch.flags(known, cache, "off"))
        .containsExactly("-Dquire.driver.patched=off");
    File other = driver("size_t", "(size_t) ");
    assertThat(DriverPatch.flags(other, cache, null))
        .containsExactly("-Dquire.driver.patched=unknown");
  }
}
