package dev.quire.engine.tornado;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Host sides of device arrays. Every array on the device has one of its own size; these are private
 * mappings of sparse files, so that what nobody touches takes no memory, and what was touched can
 * be given back.
 */
final class HostMirror implements AutoCloseable {
  private static final long PAGE = 64 << 10;
  private static final int DONT_NEED = 4;

  private final Arena arena = Arena.ofShared();
  private final Optional<MethodHandle> advise = madvise();

  HalfFloatArray halves(long elements) {
    return HalfFloatArray.fromSegmentShallow(map(elements, 2));
  }

  FloatArray floats(long elements) {
    return FloatArray.fromSegmentShallow(map(elements, 4));
  }

  IntArray ints(long elements) {
    return IntArray.fromSegmentShallow(map(elements, 4));
  }

  private MemorySegment map(long elements, int elementBytes) {
    if (elements > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a device array of %d elements; one holds %d".formatted(elements, Integer.MAX_VALUE));
    }
    long bytes = TornadoNativeArray.ARRAY_HEADER + elements * elementBytes;
    try {
      Path file = Files.createTempFile("quire-", ".mirror");
      try (FileChannel channel =
          FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        channel.truncate(0);
        channel.write(java.nio.ByteBuffer.allocate(1), bytes - 1);
        return channel.map(FileChannel.MapMode.PRIVATE, 0, bytes, arena);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot map the host side of a device array: " + e.getMessage(), e);
    }
  }

  /**
   * Gives the memory of an array back to the system; its host side reads as zeros afterwards. Its
   * first page, which holds the header, stays.
   */
  void release(TornadoNativeArray array) {
    MemorySegment segment = array.getSegmentWithHeader();
    if (segment.byteSize() > PAGE) {
      dontNeed(segment.asSlice(PAGE));
    }
  }

  /** Gives the whole pages of a mapped file back; whoever reads them again reads the file. */
  void releaseFile(MemorySegment segment) {
    long skip = -segment.address() & (PAGE - 1);
    long bytes = (segment.byteSize() - skip) / PAGE * PAGE;
    if (bytes > 0) {
      dontNeed(segment.asSlice(skip, bytes));
    }
  }

  private void dontNeed(MemorySegment segment) {
    if (advise.isEmpty()) {
      return;
    }
    try {
      int _ = (int) advise.get().invokeExact(segment, segment.byteSize(), DONT_NEED);
    } catch (Throwable e) {
      throw new IllegalStateException("madvise", e);
    }
  }

  @SuppressWarnings("restricted")
  private static Optional<MethodHandle> madvise() {
    if (!System.getProperty("os.name").startsWith("Linux")) {
      return Optional.empty();
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("madvise")
        .map(
            address ->
                linker.downcallHandle(
                    address,
                    FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT)));
  }

  @Override
  public void close() {
    arena.close();
  }
}
