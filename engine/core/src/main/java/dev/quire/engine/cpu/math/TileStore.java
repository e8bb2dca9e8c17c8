package dev.quire.engine.cpu.math;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Files of laid-out weights in a folder, so that only a model's first start lays them out. One a
 * model: a header, which says of which weights and which layout it is, and the tiles as they are in
 * memory.
 *
 * <pre>
 *   tiles-&lt;hash of the model's path&gt;-&lt;hash of the key&gt;.bin
 *   2 MiB: "quire tiles", the key, which matrices couldn't be laid out; then the tiles
 * </pre>
 *
 * <p>A file is written under another name, synchronised and moved, so that no start sees half of
 * one; several processes may write the same. The oldest go when their sum would pass the bound.
 * Nothing here fails a start: where the folder can't be used, weights are laid out every time.
 */
public final class TileStore {
  /** Smaller models are laid out in an instant. */
  static final long SMALLEST = 64L << 20;

  /** Of disk space that stays free beside the files. */
  private static final long SPARE = 2L << 30;

  /** A huge page, so that those of the tiles are whole. */
  static final int HEADER = 2 << 20;

  /** What is read of it. */
  private static final int HEADER_TEXT = 1 << 16;

  private static final String MAGIC = "quire tiles\n";
  private static final Duration ABANDONED = Duration.ofHours(1);

  /** Bytes written at once: whole huge pages, or the page cache makes smaller ones of them. */
  private static final int PIECE = 8 << 20;

  private static final String PREFIX = "tiles-";
  private static final String SUFFIX = ".bin";
  private static final String PART = ".part";

  private final Path folder;
  private final long mostBytes;
  private final Path model;
  private final long smallest;

  /**
   * @param folder made where it doesn't exist
   * @param mostBytes of all files in it
   * @param model the model's file or folder, which names the entry; what is in it is checked by
   *     content
   */
  public TileStore(Path folder, long mostBytes, Path model) {
    this(folder, mostBytes, model, SMALLEST);
  }

  TileStore(Path folder, long mostBytes, Path model, long smallest) {
    this.folder = folder;
    this.mostBytes = mostBytes;
    this.model = model.toAbsolutePath().normalize();
    this.smallest = smallest;
  }

  /** Whether laid-out weights of this size are worth a file. */
  boolean takes(long bytes) {
    return bytes >= smallest && bytes + HEADER <= mostBytes;
  }

  /**
   * An entry found.
   *
   * @param tiles mapped for reading
   * @param unfit a digit for each matrix, 1 where it couldn't be laid out
   */
  record Entry(Path file, MemorySegment tiles, String unfit) {}

  /**
   * Maps the entry of these weights, if there is one.
   *
   * @param key says all that the tiles depend on
   */
  @Nullable Entry find(String key, long bytes, Arena arena) {
    Path file = file(key);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() != HEADER + bytes) {
        return null;
      }
      MemorySegment all = map(channel, HEADER + bytes, arena);
      byte[] header = all.asSlice(0, HEADER_TEXT).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      String text = new String(header, StandardCharsets.UTF_8);
      String start = MAGIC + key + "\n";
      if (!text.startsWith(start)) {
        return null;
      }
      int end = text.indexOf('\n', start.length());
      if (end < 0) {
        return null;
      }
      touch(file);
      return new Entry(file, all.asSlice(HEADER), text.substring(start.length(), end));
    } catch (IOException | UnsupportedOperationException e) {
      return null; // none, or none that can be read: the same as none
    }
  }

  /**
   * Maps a file for reading, as a segment of the class that allocated memory has: loops that were
   * compiled for one class are a quarter slower once they meet the class of mapped files, too.
   */
  private static MemorySegment map(FileChannel channel, long bytes, Arena arena)
      throws IOException {
    MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena);
    if (!TileStore.class.getModule().isNativeAccessEnabled()) {
      return mapped;
    }
    @SuppressWarnings("restricted")
    MemorySegment same = MemorySegment.ofAddress(mapped.address()).reinterpret(bytes, arena, null);
    AnonymousMemory.adviseFile(same);
    return same.asReadOnly();
  }

  /** Which entries are used is seen by their time. */
  private static void touch(Path file) {
    try {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    } catch (IOException e) {
      // A folder that only root writes to: its owner decides what goes.
    }
  }

  /** Where the entry of these weights lies, there or not. */
  Path file(String key) {
    return folder.resolve(modelPrefix() + hash(key) + SUFFIX);
  }

  private String modelPrefix() {
    return PREFIX + hash(model.toString()) + "-";
  }

  private static String hash(String text) {
    Checksum sum = new Checksum();
    sum.update(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    return sum.digits();
  }

  /**
   * 64 bits that tell weights from others. Two cyclic sums, because the interpreter has them as
   * instructions, where a cryptographic digest takes it a tenth of a second of a start.
   */
  static final class Checksum {
    private final CRC32 first = new CRC32();
    private final CRC32C second = new CRC32C();

    void update(ByteBuffer bytes) {
      first.update(bytes.duplicate());
      second.update(bytes);
    }

    /** Sixteen hexadecimal digits. */
    String digits() {
      HexFormat hex = HexFormat.of();
      return hex.toHexDigits((int) first.getValue()) + hex.toHexDigits((int) second.getValue());
    }
  }

  /**
   * Writes an entry in the background.
   *
   * @param tiles must stay accessible until the writer is {@linkplain Writer#close closed}
   */
  Writer write(String key, MemorySegment tiles, String unfit) {
    return new Writer(key, tiles, unfit);
  }

  /** Room for one more entry: makes it by deleting what is old. False if there is none. */
  private boolean makeRoom(Path target, long bytes) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = file.getFileName().toString();
        boolean mine = name.startsWith(modelPrefix()) && !file.equals(target);
        if (name.startsWith(PREFIX) && name.endsWith(PART) && olderThan(file, ABANDONED)
            || name.endsWith(SUFFIX) && mine) {
          Files.deleteIfExists(file); // left by a process that was ended; of the model as it was
        } else if (name.startsWith(PREFIX) && name.endsWith(SUFFIX)) {
          entries.add(file);
        }
      }
    }
    entries.sort(Comparator.comparingLong(file -> file.toFile().lastModified()));
    long total = bytes;
    for (Path entry : entries) {
      total += entry.toFile().length();
    }
    for (Path oldest : entries) {
      if (total <= mostBytes) {
        break;
      }
      total -= oldest.toFile().length();
      Files.deleteIfExists(oldest);
    }
    return Files.getFileStore(folder).getUsableSpace() - SPARE >= bytes;
  }

  private static boolean olderThan(Path file, Duration age) throws IOException {
    return Files.getLastModifiedTime(file).toInstant().isBefore(Instant.now().minus(age));
  }

  /** The writing of one entry, by a thread of its own. */
  final class Writer implements AutoCloseable {
    private final String key;
    private final MemorySegment tiles;
    private final String unfit;
    private final Thread thread;
    private volatile boolean closed;

    private Writer(String key, MemorySegment tiles, String unfit) {
      this.key = key;
      this.tiles = tiles;
      this.unfit = unfit;
      this.thread = Thread.ofPlatform().daemon().name("quire-tile-store").start(this::run);
    }

    private void run() {
      Path part = null;
      try {
        Files.createDirectories(folder);
        Path target = file(key);
        if (!makeRoom(target, HEADER + tiles.byteSize())) {
          return;
        }
        part = Files.createTempFile(folder, PREFIX, PART);
        if (fill(part)) {
          move(part, target);
        }
      } catch (IOException | UnsupportedOperationException e) {
        // A read-only home, a full disk: the next start is as this one was.
      } finally {
        delete(part);
      }
    }

    private boolean fill(Path part) throws IOException {
      byte[] text = (MAGIC + key + "\n" + unfit + "\n").getBytes(StandardCharsets.UTF_8);
      if (text.length > HEADER_TEXT) {
        return false;
      }
      ByteBuffer header = ByteBuffer.allocate(HEADER).put(text).clear();
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        writeAll(channel, header);
        for (long at = 0; at < tiles.byteSize(); at += PIECE) {
          if (closed) {
            return false;
          }
          long n = Math.min(PIECE, tiles.byteSize() - at);
          writeAll(channel, tiles.asSlice(at, n).asByteBuffer());
        }
        channel.force(true);
      }
      return true;
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }

    private static void move(Path part, Path target) throws IOException {
      try {
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      }
    }

    private static void delete(@Nullable Path part) {
      try {
        if (part != null) {
          Files.deleteIfExists(part);
        }
      } catch (IOException e) {
        // Found and deleted by a later start, as abandoned.
      }
    }

    /** Waits for the entry to be whole, for some seconds, then gives it up. */
    void finish(Duration patience) {
      try {
        thread.join(patience);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      close();
    }

    /** Ends the writing; the tiles may go after this. */
    @Override
    public void close() {
      closed = true;
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
