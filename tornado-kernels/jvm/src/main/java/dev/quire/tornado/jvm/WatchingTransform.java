package dev.quire.tornado.jvm;

import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_String;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Puts a call to {@link Watch} in front of every access to an array, plain or native, and of every
 * barrier. A load has (array, index) on the stack; a store has its value above them, which steps
 * aside and comes back:
 *
 * <pre>
 *   array index value          dup_x2 pop  (dup2_x2 pop2 for long and double)
 *   value array index          dup2, call
 *   value array index          dup2_x1 pop2  (dup2_x2 pop2)
 *   array index value          the store itself
 * </pre>
 *
 * A method that takes arrays begins with a call that refuses local ones.
 */
final class WatchingTransform implements CodeTransform {
  private static final ClassDesc WATCH = ClassDesc.of(Watch.class.getName());
  private static final ClassDesc NATIVE = ClassDesc.of(TornadoNativeArray.class.getName());
  private static final String CONTEXT = KernelContext.class.getName().replace('.', '/');
  private static final String ARRAYS = "uk/ac/manchester/tornado/api/types/arrays/";
  private static final MethodTypeDesc PLAIN_ACCESS = MethodTypeDesc.of(CD_void, CD_Object, CD_int);
  private static final MethodTypeDesc NATIVE_ACCESS =
      MethodTypeDesc.of(CD_void, NATIVE, CD_int, CD_int);

  private static final MethodTypeDesc PASSED = MethodTypeDesc.of(CD_void, CD_Object, CD_String);

  private static final MethodTypeDesc SITE = MethodTypeDesc.of(CD_void, CD_String);

  private final MethodModel method;
  private final Map<Integer, Integer> barriers = new HashMap<>();
  private int line;

  private WatchingTransform(MethodModel method) {
    this.method = method;
  }

  static ClassTransform ofClass() {
    return (type, element) -> {
      if (element instanceof MethodModel method) {
        type.transformMethod(
            method,
            MethodTransform.transformingCode(
                CodeTransform.ofStateful(() -> new WatchingTransform(method))));
      } else {
        type.with(element);
      }
    };
  }

  /** A method that is given arrays says so: none of them may be local. */
  @Override
  public void atStart(CodeBuilder code) {
    MethodTypeDesc type = method.methodTypeSymbol();
    for (int i = 0; i < type.parameterCount(); i++) {
      if (type.parameterType(i).isArray()) {
        code.aload(code.parameterSlot(i))
            .loadConstant(method.methodName().stringValue())
            .invokestatic(WATCH, "passed", PASSED);
      }
    }
  }

  @Override
  public void accept(CodeBuilder code, CodeElement element) {
    switch (element) {
      case LineNumber number -> line = number.line();
      case ArrayLoadInstruction _ -> code.dup2().invokestatic(WATCH, "load", PLAIN_ACCESS);
      case ArrayStoreInstruction store ->
          beforeStore(
              code,
              isWide(store.typeKind()),
              () -> code.invokestatic(WATCH, "store", PLAIN_ACCESS));
      case InvokeInstruction call -> beforeCall(code, call);
      default -> {}
    }
    code.with(element);
  }

  private void beforeCall(CodeBuilder code, InvokeInstruction call) {
    String owner = call.owner().asInternalName();
    String name = call.name().stringValue();
    if (owner.equals(CONTEXT)) {
      if (name.equals("localBarrier") || name.equals("globalBarrier")) {
        code.loadConstant(barrier()).invokestatic(WATCH, "site", SITE);
      }
      return;
    }
    if (!owner.startsWith(ARRAYS)) {
      return;
    }
    switch (name) {
      case "get" -> nativeLoad(code, 1);
      case "getHalf2", "getHalfFloat" -> nativeLoad(code, 2);
      case "set" -> nativeStore(code, call, 1);
      case "setHalf2", "setHalfFloat" -> nativeStore(code, call, 2);
      default -> {}
    }
  }

  /** A name for the next barrier that no other of the kernel and its helpers has. */
  private String barrier() {
    int number = barriers.merge(line, 1, Integer::sum);
    String owner =
        method.parent().map(type -> type.thisClass().asInternalName()).orElse("").replace('/', '.');
    return "line %d of %s.%s%s"
        .formatted(
            line,
            owner.substring(owner.lastIndexOf('.') + 1),
            method.methodName().stringValue(),
            number == 1 ? "" : " (barrier " + number + ")");
  }

  private static void nativeLoad(CodeBuilder code, int elements) {
    code.dup2().loadConstant(elements).invokestatic(WATCH, "load", NATIVE_ACCESS);
  }

  private static void nativeStore(CodeBuilder code, InvokeInstruction call, int elements) {
    MethodTypeDesc type = call.typeSymbol();
    boolean wide = isWide(TypeKind.from(type.parameterType(1)));
    beforeStore(
        code, wide, () -> code.loadConstant(elements).invokestatic(WATCH, "store", NATIVE_ACCESS));
  }

  private static void beforeStore(CodeBuilder code, boolean wide, Runnable call) {
    if (wide) {
      code.dup2_x2().pop2().dup2();
      call.run();
      code.dup2_x2().pop2();
    } else {
      code.dup_x2().pop().dup2();
      call.run();
      code.dup2_x1().pop2();
    }
  }

  private static boolean isWide(TypeKind kind) {
    return kind.slotSize() == 2;
  }
}
