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
import java.util.List;
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

  private static final String COPY =
      "uk/ac/manchester/tornado/drivers/cuda/graal/lir/CUDALIRStmt$CpAsyncCopyStmt";
  private static final String MATRIX =
      "uk/ac/manchester/tornado/drivers/cuda/graal/lir/CUDALIRStmt$LdmatrixStmt";
  private static final String STORE =
      "uk/ac/manchester/tornado/drivers/cuda/graal/lir/CUDALIRStmt$MMAStoreStmt";
  private static final String BUILDER =
      "uk/ac/manchester/tornado/drivers/cuda/graal/compiler/CUDACompilationResultBuilder";
  private static final String GROUPS =
      "uk/ac/manchester/tornado/drivers/cuda/graal/lir/CUDALIRStmt$CpAsyncWaitGroupStmt";
  private static final String QUEUE = "uk/ac/manchester/tornado/drivers/cuda/CUDACommandQueue";
  private static final String FRAGMENT =
      "asm volatile(\"{ .reg .u64 u; cvta.to.shared.u64 u, %1; cvt.u32.u64 %0, u; }\" :"
          + " \"=r\"(__smem) : \"l\"((const char *) \u0001 + __bo))";
  private static final List<String> COPIES =
      List.of(
          "unsigned __smem",
          "asm volatile(\"{ .reg .u64 u; cvta.to.shared.u64 u, %1; cvt.u32.u64 %0, u; }\" :"
              + " \"=r\"(__smem) : \"l\"((char *) \u0001 + (((unsigned) \u0001) << 2)))",
          "asm volatile(\"cp.async.ca.shared.global [%0], [%1], 4;\" :: \"r\"(__smem),"
              + " \"l\"((const char *) \u0001 + \u0001u + ((long long) \u0001) * \u0001))");

  @TempDir Path temporary;

  /**
   * A class whose methods {@code text}, {@code text1} … return constants; there are others around
   * it.
   */
  private static byte[] type(String name, String... texts) {
    return ClassFile.of()
        .build(
            ClassDesc.ofInternalName(name),
            type -> {
              for (int i = 0; i < texts.length; i++) {
                String text = texts[i];
                type.withMethodBody(
                    i == 0 ? "text" : "text" + i,
                    MethodTypeDesc.of(ConstantDescs.CD_String),
                    ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                    code ->
                        code.loadConstant(5_000_000_000L)
                            .pop2()
                            .loadConstant(2.5)
                            .pop2()
                            .loadConstant(text)
                            .areturn());
              }
            });
  }

  private static Object text(String name, byte[] type) throws ReflectiveOperationException {
    return text(name, type, "text");
  }

  private static Object text(String name, byte[] type, String method)
      throws ReflectiveOperationException {
    ClassLoader loader =
        new ClassLoader(null) {
          @Override
          protected Class<?> findClass(String wanted) {
            return defineClass(wanted, type, 0, type.length);
          }
        };
    return loader.loadClass(name.replace('/', '.')).getMethod(method).invoke(null);
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
      out.putNextEntry(new ZipEntry(COPY + ".class"));
      out.write(type(COPY, COPIES.toArray(String[]::new)));
      out.putNextEntry(new ZipEntry(MATRIX + ".class"));
      out.write(type(MATRIX, FRAGMENT));
      out.putNextEntry(new ZipEntry(STORE + ".class"));
      out.write(
          type(STORE, "((\u0001 *) ((char *) \u0001 + \u0001u))[__idx\u0001] = \u0001[\u0001]"));
      out.putNextEntry(new ZipEntry(BUILDER + ".class"));
      out.write(type(BUILDER, "// BLOCK %d"));
      out.putNextEntry(new ZipEntry(GROUPS + ".class"));
      out.write(type(GROUPS, "asm volatile(\"cp.async.wait_group \u0001;\")"));
      out.putNextEntry(new ZipEntry(QUEUE + ".class"));
      out.write(CallPatchTest.caller(QUEUE, "cuGraphInstantiate", "cuGraphLaunch"));
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
    byte[] copy = Files.readAllBytes(folder.resolve(COPY + ".class"));
    assertThat(text(COPY, copy)).isEqualTo("unsigned __smem, __to");
    String local = "__smem = (unsigned) __cvta_generic_to_shared(\u0001) + ";
    assertThat(text(COPY, copy, "text1")).isEqualTo(local + "((__to = (unsigned) \u0001) << 2)");
    assertThat(text(MATRIX, Files.readAllBytes(folder.resolve(MATRIX + ".class"))))
        .isEqualTo(local + "__bo");
    assertThat(text(COPY, copy, "text2").toString())
        .startsWith("const char *__from = (const char *) \u0001 + \u0001u")
        .contains("!= 'Q') asm volatile(\"cp.async.ca.shared.global [%0], [%1], 4;\"")
        .endsWith(
            "else if (__to % 4 == 0) asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16;\""
                + " :: \"r\"(__smem), \"l\"(__from))");
    assertThat(DriverPatch.flag(driver, temporary.resolve("cache").toFile())).isEqualTo(flag);
    assertThat(DriverPatch.flag(driver, null)).isNotNull();
  }

  @Test
  void accumulatorsAreStoredInPairs() throws Exception {
    File driver = driver("unsigned long long", "(unsigned long long) ");
    String flag = DriverPatch.flag(driver, temporary.resolve("cache").toFile());
    Path folder = Path.of(Objects.requireNonNull(flag).replaceFirst(".*=", ""));
    String store = text(STORE, Files.readAllBytes(folder.resolve(STORE + ".class"))).toString();
    assertThat(store.replace('\u0001', '@'))
        .startsWith(
            "{ auto *__array = ((@ *) ((char *) @ + @u)); const unsigned __index = __idx@;"
                + " const auto &__from = @; constexpr int __i = @;")
        .endsWith("__Pair{__from[__i], __from[(__i + 1) % 4]}; } }");
  }

  @Test
  void kernelsWaitForThoseBefore() throws Exception {
    File driver = driver("unsigned long long", "(unsigned long long) ");
    String flag = DriverPatch.flag(driver, temporary.resolve("cache").toFile());
    Path folder = Path.of(Objects.requireNonNull(flag).replaceFirst(".*=", ""));
    byte[] builder = Files.readAllBytes(folder.resolve(BUILDER + ".class"));
    assertThat(text(BUILDER, builder).toString().formatted(3))
        .startsWith("// BLOCK 3\n#if 3 == 0 && __CUDA_ARCH__ >= 900\n")
        .contains("asm volatile(\"griddepcontrol.wait;\" ::: \"memory\");")
        .endsWith("}\n#endif");
    byte[] groups = Files.readAllBytes(folder.resolve(GROUPS + ".class"));
    assertThat(text(GROUPS, groups).toString())
        .startsWith("{ constexpr int __groups = \u0001;\n")
        .contains("if (__groups == 15) { asm volatile(\"griddepcontrol.wait;\"")
        .endsWith("asm volatile(\"cp.async.wait_group %0;\" :: \"n\"(__groups)); }");
    assertThat(CallPatchTest.called(Files.readAllBytes(folder.resolve(QUEUE + ".class"))))
        .hasSize(2)
        .containsOnly("dev/quire/engine/tornado/ProgrammaticLaunch");
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
        .hasSize(4)
        .contains("-Dquire.driver.patched=true")
        .contains("--add-reads=tornado.drivers.cuda=ALL-UNNAMED")
        .anyMatch(flag -> flag.matches("-Dquire.driver.changes=[0-9a-f]+"));
    assertThat(DriverPatch.flags(known, cache, "off"))
        .containsExactly("-Dquire.driver.patched=off");
    File other = driver("size_t", "(size_t) ");
    assertThat(DriverPatch.flags(other, cache, null))
        .containsExactly("-Dquire.driver.patched=unknown");
  }
}
