package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Large off-heap memory in huge pages where the system has them: a core reads weights from 2 MiB
 * pages up to three times as fast as from 4 KiB pages. Linux gives huge pages to memory that asked
 * before it was first touched ({@code mmap(2)}, {@code madvise(2)} with {@code MADV_HUGEPAGE});
 * {@link Arena#allocate} touches all of it. Elsewhere, or without native access, it is an arena's.
 *
 * @param hugePages whether huge pages were asked for with success
 */
record AnonymousMemory(MemorySegment segment, boolean hugePages) {
  private static final long HUGE_PAGE = 2L << 20;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;
  private static final int ADVICE_HUGE_PAGE = 14;
  private static final boolean ON_LINUX =
      System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");

  /** Zeroed memory that lives as long as the arena. */
  static AnonymousMemory allocate(long bytes, Arena arena) {
    MemorySegment huge = bytes < HUGE_PAGE ? null : mapped(bytes, arena);
    return huge == null
        ? new AnonymousMemory(arena.allocate(bytes, 64), false)
        : new AnonymousMemory(huge, true);
  }

  /**
   * Asks for huge pages where a file is mapped: what is read of it from then on comes in huge
   * pages, also for later processes while it stays in the page cache, and a process that maps it
   * then has hundreds of page faults where it had tens of thousands.
   */
  static void adviseFile(MemorySegment mapped) {
    if (ON_LINUX && AnonymousMemory.class.getModule().isNativeAccessEnabled()) {
      Calls calls = Calls.OF_SYSTEM;
      if (calls != null) {
        calls.advise(mapped.address(), mapped.byteSize());
      }
    }
  }

  private static @Nullable MemorySegment mapped(long bytes, Arena arena) {
    if (!ON_LINUX || !AnonymousMemory.class.getModule().isNativeAccessEnabled()) {
      return null;
    }
    Calls calls = Calls.OF_SYSTEM;
    return calls == null ? null : calls.map(bytes, arena);
  }

  /** The system calls; found once, because to bind one takes milliseconds. */
  private record Calls(MethodHandle mmap, MethodHandle madvise, MethodHandle munmap) {
    static final @Nullable Calls OF_SYSTEM = find();

    private static @Nullable Calls find() {
      ValueLayout address = ValueLayout.JAVA_LONG;
      ValueLayout number = ValueLayout.JAVA_INT;
      try {
        return new Calls(
            call("mmap", address, address, address, number, number, number, address),
            call("madvise", number, address, address, number),
            call("munmap", number, address, address));
      } catch (UnsupportedOperationException _) {
        return null; // a JVM without a native linker
      }
    }

    private static MethodHandle call(String name, ValueLayout result, ValueLayout... arguments) {
      Linker linker = Linker.nativeLinker();
      MemorySegment function = linker.defaultLookup().findOrThrow(name);
      @SuppressWarnings("restricted")
      MethodHandle handle =
          linker.downcallHandle(function, FunctionDescriptor.of(result, arguments));
      return handle;
    }

    @Nullable MemorySegment map(long bytes, Arena arena) {
      long length = Math.ceilDiv(bytes, HUGE_PAGE) * HUGE_PAGE;
      try {
        long start =
            (long) mmap.invokeExact(0L, length + HUGE_PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
        if (start == -1) {
          return null;
        }
        long aligned = Math.ceilDiv(start, HUGE_PAGE) * HUGE_PAGE;
        advise(aligned, length);
        @SuppressWarnings("restricted")
        MemorySegment mapped =
            MemorySegment.ofAddress(aligned)
                .reinterpret(bytes, arena, _ -> unmap(start, length + HUGE_PAGE));
        return mapped;
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("calling mmap", e);
      }
    }

    void advise(long start, long length) {
      try {
        int _ = (int) madvise.invokeExact(start, length, ADVICE_HUGE_PAGE);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("calling madvise", e);
      }
    }

    private void unmap(long start, long length) {
      try {
        int _ = (int) munmap.invokeExact(start, length);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("calling munmap", e);
      }
    }
  }
}
