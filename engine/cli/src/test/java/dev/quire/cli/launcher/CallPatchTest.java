package dev.quire.cli.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class CallPatchTest {
  private static final MethodTypeDesc LONG_OF_TWO =
      MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long, ConstantDescs.CD_long);
  private static final MethodTypeDesc LONG_OF_LONG =
      MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long);

  /** A class whose method {@code run} calls its own static method of the given name. */
  static byte[] caller(String type, String name) {
    return ClassFile.of()
        .build(ClassDesc.ofInternalName(type), builder -> calls(builder, type, name, LONG_OF_LONG));
  }

  /** The same of a method of two arguments beside it. */
  static byte[] caller(String type, String name, String second) {
    return ClassFile.of()
        .build(
            ClassDesc.ofInternalName(type),
            builder -> {
              calls(builder, type, name, LONG_OF_LONG);
              calls(builder, type, second, LONG_OF_TWO);
            });
  }

  private static void calls(ClassBuilder to, String type, String name, MethodTypeDesc method) {
    to.withMethodBody(
        name,
        method,
        ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE,
        code -> code.lload(0).lreturn());
    to.withMethodBody(
        "run",
        method,
        ClassFile.ACC_STATIC | ClassFile.ACC_PUBLIC,
        code -> {
          code.loadConstant(5_000_000_000L).pop2();
          for (int i = 0; i < method.parameterCount(); i++) {
            code.lload(2 * i);
          }
          code.invokestatic(ClassDesc.ofInternalName(type), name, method).lreturn();
        });
  }

  /** The classes whose methods such a class calls. */
  static List<String> called(byte[] type) {
    return ClassFile.of().parse(type).methods().stream()
        .flatMap(method -> method.code().stream())
        .flatMap(code -> code.elementStream())
        .filter(InvokeInstruction.class::isInstance)
        .map(element -> ((InvokeInstruction) element).owner().asInternalName())
        .toList();
  }

  /** What a redirected call reaches. */
  public static final class Target {
    private Target() {}

    public static long negate(long value) {
      return -value;
    }
  }

  @Test
  void aCallGoesToAnotherClassAndTheClassStillLoads() throws Exception {
    byte[] changed =
        Objects.requireNonNull(
            CallPatch.redirect(
                caller("a/B", "negate"),
                "negate",
                "(J)J",
                Target.class.getName().replace('.', '/')));
    ClassLoader loader =
        new ClassLoader(CallPatchTest.class.getClassLoader()) {
          @Override
          protected Class<?> findClass(String wanted) {
            return defineClass(wanted, changed, 0, changed.length);
          }
        };
    assertThat(loader.loadClass("a.B").getMethod("run", long.class).invoke(null, 7L))
        .isEqualTo(-7L);
    assertThat(ClassFile.of().verify(changed)).isEmpty();
  }

  @Test
  void aClassThatCallsNoSuchMethodStaysAsItIs() throws Exception {
    assertThat(CallPatch.redirect(caller("a/B", "other"), "negate", "(J)J", "c/D")).isNull();
    assertThat(CallPatch.redirect(caller("a/B", "negate"), "negate", "(I)J", "c/D")).isNull();
  }
}
