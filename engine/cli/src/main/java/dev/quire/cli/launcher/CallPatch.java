package dev.quire.cli.launcher;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A class file whose calls of one of its own static methods go to another class's method of the
 * same name and descriptor: the reference gets another class.
 *
 * <pre>
 *   #91 Methodref  class #19, #92           #91 Methodref  class #n+1, #92
 *   #92 NameAndType  name : descriptor      …
 *                                           #n   Utf8   the other class
 *                                           #n+1 Class  #n
 * </pre>
 */
final class CallPatch {
  private static final int UTF8 = 1;
  private static final int LONG = 5;
  private static final int DOUBLE = 6;
  private static final int CLASS = 7;
  private static final int METHOD = 10;
  private static final int NAME_AND_TYPE = 12;
  private static final int COUNT = 8;

  private final byte[] type;
  private final int[] at;
  private final int end;

  private CallPatch(byte[] type) throws IOException {
    this.type = type;
    at = new int[number(COUNT)];
    int position = COUNT + 2;
    for (int i = 1; i < at.length; i++) {
      at[i] = position;
      int tag = type[position];
      position += 1 + (tag == UTF8 ? 2 + number(position + 1) : DriverPatch.length(tag));
      i += tag == LONG || tag == DOUBLE ? 1 : 0; // They take two places.
    }
    end = position;
  }

  private int number(int position) {
    return (type[position] & 0xFF) << 8 | (type[position + 1] & 0xFF);
  }

  private boolean is(int entry, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int position = at[entry];
    if (type[position] != UTF8 || number(position + 1) != bytes.length) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if (type[position + 3 + i] != bytes[i]) {
        return false;
      }
    }
    return true;
  }

  /** The one reference to a method; 0 where there is none or more than one. */
  private int reference(String name, String descriptor) {
    int found = 0;
    for (int i = 1; i < at.length; i++) {
      if (at[i] == 0 || type[at[i]] != METHOD) {
        continue;
      }
      int nameAndType = at[number(at[i] + 3)];
      if (type[nameAndType] == NAME_AND_TYPE
          && is(number(nameAndType + 1), name)
          && is(number(nameAndType + 3), descriptor)) {
        if (found != 0) {
          return 0;
        }
        found = i;
      }
    }
    return found;
  }

  /**
   * @param other the class that is called instead, with slashes
   * @return null if the class has not exactly one reference to such a method
   */
  static byte @Nullable [] redirect(byte[] type, String name, String descriptor, String other)
      throws IOException {
    CallPatch patch = new CallPatch(type);
    int reference = patch.reference(name, descriptor);
    int count = patch.at.length;
    if (reference == 0 || count + 2 > 0xFFFF) {
      return null;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    int position = patch.at[reference] + 1;
    out.write(type, 0, COUNT);
    out.writeShort(count + 2);
    out.write(type, COUNT + 2, position - (COUNT + 2));
    out.writeShort(count + 1);
    out.write(type, position + 2, patch.end - (position + 2));
    out.writeByte(UTF8);
    out.writeUTF(other);
    out.writeByte(CLASS);
    out.writeShort(count);
    out.write(type, patch.end, type.length - patch.end);
    return bytes.toByteArray();
  }
}
