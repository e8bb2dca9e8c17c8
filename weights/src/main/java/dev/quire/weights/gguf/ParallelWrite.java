package dev.quire.weights.gguf;

import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.GgufWriter.Planned;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Fills and writes the pieces of all tensors, one thread a core, each with one buffer. */
final class ParallelWrite {
  /** A multiple of every block; at most 8 MiB. */
  private static final int PIECE_ELEMENTS = 1 << 20;

  private static final long BUFFER_BYTES = 8L * PIECE_ELEMENTS;

  private final FileChannel channel;
  private final long dataStart;
  private final long total;
  private final Progress progress;
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final Object reporting = new Object();
  private long done;

  ParallelWrite(FileChannel channel, long dataStart, long total, Progress progress) {
    this.channel = channel;
    this.dataStart = dataStart;
    this.total = total;
    this.progress = progress;
  }

  private record Piece(Planned tensor, long first, int elements) {}

  void write(List<Planned> tensors) throws IOException {
    List<Piece> pieces = new ArrayList<>();
    for (Planned tensor : tensors) {
      long elements = tensor.bytes() / tensor.type().blockBytes() * tensor.type().blockElements();
      for (long first = 0; first < elements; first += PIECE_ELEMENTS) {
        pieces.add(new Piece(tensor, first, (int) Math.min(PIECE_ELEMENTS, elements - first)));
      }
    }
    List<Thread> threads = new ArrayList<>();
    int count = Math.min(Runtime.getRuntime().availableProcessors(), pieces.size());
    for (int i = 0; i < count; i++) {
      threads.add(Thread.ofPlatform().name("gguf-write-" + i).start(() -> work(pieces)));
    }
    join(threads);
    switch (failure.get()) {
      case null -> {}
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Throwable e -> throw new WeightsException("writing failed: " + e, e);
    }
  }

  private void join(List<Thread> threads) {
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException _) {
          interrupted = true;
          failure.compareAndSet(null, new WeightsException("writing was interrupted"));
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void work(List<Piece> pieces) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, 64);
      for (int i = next.getAndIncrement(); i < pieces.size(); i = next.getAndIncrement()) {
        if (failure.get() != null) {
          return;
        }
        write(pieces.get(i), buffer);
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void write(Piece piece, MemorySegment buffer) throws IOException {
    Planned tensor = piece.tensor;
    MemorySegment bytes = buffer.asSlice(0, tensor.type().bytesFor(piece.elements));
    tensor.source().fill(piece.first, piece.elements, bytes);
    long position = dataStart + tensor.offset() + tensor.type().bytesFor(piece.first);
    writeFully(channel, bytes.asByteBuffer(), position);
    synchronized (reporting) {
      done += bytes.byteSize();
      progress.update(Math.min(done, total), total);
    }
  }

  static void writeFully(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }
}
