package dev.quire.tornado.jvm;

import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.ConvertInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.OperatorInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StackInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.classfile.instruction.ThrowInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Which arrays among its parameters a kernel's bytecode writes, itself or by its helpers, whatever
 * its scalars are: what TornadoVM takes for written before it compiles. The bytecode is gone
 * through once, with parameters in the places of the operand stack:
 *
 * <pre>
 *   aload_2           │ p2
 *   iload 5           │ p2 ·
 *   fconst_0          │ p2 · ·
 *   invokevirtual set │            parameter 2 is written
 * </pre>
 */
final class ArrayWrites {
  private static final String ARRAYS = "uk/ac/manchester/tornado/api/types/arrays/";
  private static final String CONTEXT = KernelContext.class.getName().replace('.', '/');
  private static final int OTHER = -1;

  private final ClassLoader loader;
  private final Map<String, BitSet> known = new HashMap<>();

  private ArrayWrites(ClassLoader loader) {
    this.loader = loader;
  }

  /** Numbers of the parameters that a method, static and of so many parameters, writes. */
  static BitSet of(KernelMethod kernel, int parameters) {
    ArrayWrites writes = new ArrayWrites(kernel.loader());
    String owner = kernel.owner().replace('.', '/');
    BitSet all = new BitSet();
    for (MethodModel method : KernelMethod.methods(writes.loader, owner)) {
      if (method.methodName().equalsString(kernel.name())
          && method.methodTypeSymbol().parameterCount() == parameters) {
        all.or(writes.of(owner, method));
      }
    }
    return all;
  }

  private BitSet of(String owner, MethodModel method) {
    String key = owner + "." + method.methodName() + method.methodType();
    BitSet found = known.get(key);
    if (found == null) {
      found = new BitSet();
      known.put(key, found); // While it is looked at, a recursive call adds nothing.
      if (method.code().isPresent()) {
        new Walk(method, found).through(method.code().get());
      }
    }
    return found;
  }

  /** Marks of a call's arguments, the object that it is called on first, that are written. */
  private BitSet writtenBy(InvokeInstruction call) {
    String owner = call.owner().asInternalName();
    String name = call.name().stringValue();
    BitSet written = new BitSet();
    if (owner.startsWith(ARRAYS)) {
      written.set(0, name.startsWith("set") || name.equals("init") || name.equals("clear"));
    } else if (owner.equals(CONTEXT)) {
      written.set(1, name.equals("atomicAdd")); // Behind the context.
      written.set(2, name.startsWith("mmaStore"));
    } else if (call.opcode() == Opcode.INVOKESTATIC && KernelMethod.isKernelCode(owner)) {
      for (MethodModel method : KernelMethod.methods(loader, owner)) {
        if (method.methodName().equals(call.name()) && method.methodType().equals(call.type())) {
          return of(owner, method);
        }
      }
    }
    return written;
  }

  /** One way through a method's instructions, as javac orders them. */
  private final class Walk {
    private final BitSet written;
    private final Map<Integer, Integer> locals = new HashMap<>();
    private final Map<Label, List<Integer>> stacks = new HashMap<>();
    private List<Integer> stack = new ArrayList<>();

    Walk(MethodModel method, BitSet written) {
      this.written = written;
      int slot = 0;
      int number = 0;
      for (ClassDesc type : method.methodTypeSymbol().parameterList()) {
        locals.put(slot, number++);
        slot += TypeKind.from(type).slotSize();
      }
    }

    void through(CodeModel code) {
      code.forEach(this::step);
    }

    private void step(CodeElement element) {
      switch (element) {
        case LabelTarget target -> {
          List<Integer> before = stacks.get(target.label());
          stack = before == null ? stack : new ArrayList<>(before);
        }
        case ConstantInstruction constant -> push(constant.typeKind().slotSize());
        case LoadInstruction load -> {
          push(load.typeKind().slotSize());
          if (load.typeKind() == TypeKind.REFERENCE) {
            stack.set(stack.size() - 1, locals.getOrDefault(load.slot(), OTHER));
          }
        }
        case StoreInstruction store -> locals.put(store.slot(), pop(store.typeKind().slotSize()));
        case OperatorInstruction operator -> operate(operator);
        case ConvertInstruction convert -> {
          pop(convert.fromType().slotSize());
          push(convert.toType().slotSize());
        }
        case ArrayLoadInstruction load -> {
          pop(2);
          push(load.typeKind().slotSize());
        }
        case ArrayStoreInstruction store -> pop(2 + store.typeKind().slotSize());
        case FieldInstruction field -> access(field);
        case InvokeInstruction call -> call(call);
        case InvokeDynamicInstruction call -> {
          pop(slots(call.typeSymbol()));
          push(TypeKind.from(call.typeSymbol().returnType()).slotSize());
        }
        case NewObjectInstruction _ -> push(1);
        case TypeCheckInstruction check when check.opcode() == Opcode.INSTANCEOF -> {
          pop(1);
          push(1);
        }
        case StackInstruction move -> move(move.opcode());
        case BranchInstruction branch -> {
          pop(operands(branch.opcode()));
          reach(branch.target());
        }
        case TableSwitchInstruction table -> {
          pop(1);
          reach(table.defaultTarget());
          table.cases().forEach(one -> reach(one.target()));
        }
        case LookupSwitchInstruction lookup -> {
          pop(1);
          reach(lookup.defaultTarget());
          lookup.cases().forEach(one -> reach(one.target()));
        }
        case ReturnInstruction _, ThrowInstruction _ -> stack = new ArrayList<>();
        default -> {} // What is left moves nothing, or stands in no kernel.
      }
    }

    private void reach(Label target) {
      stacks.putIfAbsent(target, new ArrayList<>(stack));
    }

    private void push(int slots) {
      for (int i = 0; i < slots; i++) {
        stack.add(OTHER);
      }
    }

    /** Takes slots away. */
    private int pop(int slots) {
      int last = OTHER;
      for (int i = 0; i < slots && !stack.isEmpty(); i++) {
        last = stack.removeLast();
      }
      return last;
    }

    private void operate(OperatorInstruction operator) {
      Opcode code = operator.opcode();
      int slots = operator.typeKind().slotSize();
      switch (code) {
        case INEG, LNEG, FNEG, DNEG, ARRAYLENGTH -> {}
        case ISHL, ISHR, IUSHR, LSHL, LSHR, LUSHR -> pop(1);
        case LCMP, FCMPL, FCMPG, DCMPL, DCMPG -> {
          pop(2 * slots);
          push(1);
        }
        default -> pop(slots);
      }
    }

    private void access(FieldInstruction field) {
      int slots = TypeKind.from(field.typeSymbol()).slotSize();
      switch (field.opcode()) {
        case GETSTATIC -> push(slots);
        case PUTSTATIC -> pop(slots);
        case GETFIELD -> {
          pop(1);
          push(slots);
        }
        default -> pop(1 + slots);
      }
    }

    private void call(InvokeInstruction call) {
      BitSet writes = writtenBy(call);
      List<Integer> arguments = new ArrayList<>();
      List<ClassDesc> types = call.typeSymbol().parameterList();
      for (int i = types.size() - 1; i >= 0; i--) {
        arguments.addFirst(pop(TypeKind.from(types.get(i)).slotSize()));
      }
      if (call.opcode() != Opcode.INVOKESTATIC) {
        arguments.addFirst(pop(1));
      }
      for (int i = 0; i < arguments.size(); i++) {
        if (writes.get(i) && arguments.get(i) != OTHER) {
          written.set(arguments.get(i));
        }
      }
      push(TypeKind.from(call.typeSymbol().returnType()).slotSize());
    }

    private void move(Opcode code) {
      switch (code) {
        case POP -> pop(1);
        case POP2 -> pop(2);
        case DUP -> copy(1, 0);
        case DUP_X1 -> copy(1, 1);
        case DUP_X2 -> copy(1, 2);
        case DUP2 -> copy(2, 0);
        case DUP2_X1 -> copy(2, 1);
        case DUP2_X2 -> copy(2, 2);
        default -> {
          int top = pop(1);
          stack.add(Math.max(0, stack.size() - 1), top);
        }
      }
    }

    /** Puts a copy of the last slots below them and some more. */
    private void copy(int slots, int below) {
      int from = Math.max(0, stack.size() - slots);
      List<Integer> top = List.copyOf(stack.subList(from, stack.size()));
      stack.addAll(Math.max(0, from - below), top);
    }
  }

  private static int slots(MethodTypeDesc type) {
    return type.parameterList().stream().mapToInt(one -> TypeKind.from(one).slotSize()).sum();
  }

  private static int operands(Opcode branch) {
    return switch (branch) {
      case GOTO, GOTO_W -> 0;
      case IFEQ, IFNE, IFLT, IFGE, IFGT, IFLE, IFNULL, IFNONNULL -> 1;
      default -> 2;
    };
  }

  /**
   * The later of two places in which a task has an array that it writes in the earlier; or null.
   */
  static @Nullable Repeated repeated(KernelMethod kernel, List<Object> arguments) {
    BitSet writes = of(kernel, arguments.size());
    for (int i = writes.nextSetBit(0); i >= 0; i = writes.nextSetBit(i + 1)) {
      for (int j = i + 1; j < arguments.size(); j++) {
        if (arguments.get(j) == arguments.get(i)) {
          return new Repeated(i, j);
        }
      }
    }
    return null;
  }

  /**
   * An array that comes twice.
   *
   * @param written the argument, from 0, that the kernel writes
   * @param again the later one
   */
  record Repeated(int written, int again) {}
}
