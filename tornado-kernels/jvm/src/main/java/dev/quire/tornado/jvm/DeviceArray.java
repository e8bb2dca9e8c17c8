package dev.quire.tornado.jvm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.DoubleArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.LongArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** The device's own copy of a host array. Its elements are poison (all bits set) until written. */
final class DeviceArray {
  private static final byte POISON = (byte) 0xFF;
  private static final int ALIGNMENT = 64;

  private final TornadoNativeArray host;
  private final Arena arena = Arena.ofShared();
  private final TornadoNativeArray device;
  private boolean sent;
  private boolean defined;
  private byte @Nullable [] written;

  DeviceArray(TornadoNativeArray host) {
    this.host = host;
    long bytes = host.getNumBytesOfSegmentWithHeader();
    MemorySegment segment = arena.allocate(bytes, ALIGNMENT);
    device = wrap(host, segment);
    poison();
  }

  private static TornadoNativeArray wrap(TornadoNativeArray host, MemorySegment segment) {
    return switch (host) {
      case FloatArray _ -> FloatArray.fromSegmentShallow(segment);
      case HalfFloatArray _ -> HalfFloatArray.fromSegmentShallow(segment);
      case IntArray _ -> IntArray.fromSegmentShallow(segment);
      case ByteArray _ -> ByteArray.fromSegmentShallow(segment);
      case LongArray _ -> LongArray.fromSegmentShallow(segment);
      case DoubleArray _ -> DoubleArray.fromSegmentShallow(segment);
      default -> throw new KernelFault("arrays of " + host.getClass() + " cannot go to the device");
    };
  }

  TornadoNativeArray device() {
    return device;
  }

  long bytes() {
    return device.getNumBytesOfSegmentWithHeader();
  }

  /** Called before a launch: outside checked mode nobody knows what it will write. */
  void prepare(boolean checked) {
    if (!checked) {
      defined = true;
      written = null;
    } else if (!defined && written == null) {
      written = new byte[device.getSize()];
    }
  }

  /** Whether an element was sent, or written by a kernel. */
  boolean isWritten(int index) {
    return written == null || written[index] != 0;
  }

  void markWritten(int index) {
    if (written != null) {
      written[index] = 1;
    }
  }

  /** Whether the array was copied here since it was allocated. */
  boolean sent() {
    return sent;
  }

  void send() {
    MemorySegment.copy(
        host.getSegmentWithHeader(),
        TornadoNativeArray.ARRAY_HEADER,
        device.getSegmentWithHeader(),
        TornadoNativeArray.ARRAY_HEADER,
        host.getNumBytesOfSegment());
    sent = true;
    defined = true;
    written = null;
  }

  void receive(long offset, long bytes) {
    MemorySegment.copy(
        device.getSegmentWithHeader(), offset, host.getSegmentWithHeader(), offset, bytes);
  }

  void poison() {
    device.getSegment().fill(POISON);
    device.getSegmentWithHeader().set(ValueLayout.JAVA_INT, 0, host.getSize());
    sent = false;
    defined = false;
    written = null;
  }

  void free() {
    arena.close();
  }
}
