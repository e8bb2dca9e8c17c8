package dev.quire.cli.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GraphPatchTest {
  private static final String NAME = "uk/ac/manchester/tornado/runtime/graph/TornadoGraph";

  @TempDir Path temporary;

  /** A class whose method {@code nodes} returns an array of that length. */
  private static byte[] type(int length) {
    return ClassFile.of()
        .build(
            ClassDesc.ofInternalName(NAME),
            type ->
                type.withMethodBody(
                    "nodes",
                    MethodTypeDesc.of(ConstantDescs.CD_Object.arrayType()),
                    ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                    code ->
                        code.loadConstant(length).anewarray(ConstantDescs.CD_Object).areturn()));
  }

  private static int nodes(byte[] type) throws ReflectiveOperationException {
    ClassLoader loader =
        new ClassLoader(null) {
          @Override
          protected Class<?> findClass(String wanted) {
            return defineClass(wanted, type, 0, type.length);
          }
        };
    return ((Object[]) loader.loadClass(NAME.replace('/', '.')).getMethod("nodes").invoke(null))
        .length;
  }

  private File runtime(byte[] type) throws IOException {
    Path jar = temporary.resolve("runtime.jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new ZipEntry(NAME + ".class"));
      out.write(type);
    }
    return jar.toFile();
  }

  @Test
  void aGraphGetsMoreNodes() throws Exception {
    File cache = temporary.resolve("cache").toFile();
    List<String> flags = GraphPatch.flags(runtime(type(1024)), cache);
    assertThat(flags).hasSize(2).contains("-Dquire.graph.nodes=8192");
    assertThat(flags.getFirst()).startsWith("--patch-module=tornado.runtime=");
    Path folder = Path.of(flags.getFirst().replaceFirst(".*=", ""));
    assertThat(nodes(Files.readAllBytes(folder.resolve(NAME + ".class")))).isEqualTo(8192);
    assertThat(GraphPatch.flags(runtime(type(1024)), null)).hasSize(2);
  }

  @Test
  void anotherRuntimeStaysAsItIsAndTheJvmIsTold() throws Exception {
    File cache = temporary.resolve("cache").toFile();
    String told = "-Dquire.graph.patched=unknown";
    assertThat(GraphPatch.flags(null, cache)).containsExactly(told);
    assertThat(GraphPatch.flags(runtime(type(2048)), cache)).containsExactly(told);
    File absent = temporary.resolve("absent.jar").toFile();
    assertThat(GraphPatch.flags(absent, cache)).containsExactly(told);
    assertThat(cache).doesNotExist();
  }
}
