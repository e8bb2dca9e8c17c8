package dev.quire.cli.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;

/**
 * One file in ranged parts, several at once. Which parts are there stands in a file beside it, so
 * that a download that was broken off goes on where it stopped.
 */
final class PartDownload {
  private static final int AT_ONCE = 4;
  private static final long FIRST_PAUSE_NANOS = 100_000_000;

  private final HubConnection connection;
  private final HubSettings settings;
  private final URI uri;
  private final HubFile file;
  private final Path incomplete;
  private final Path record;
  private final BitSet done = new BitSet();
  private final LongConsumer progress;

  /**
   * @param incomplete where the content goes until it is whole
   * @param progress gets the bytes that were added
   */
  PartDownload(
      HubConnection connection,
      HubSettings settings,
      URI uri,
      HubFile file,
      Path incomplete,
      LongConsumer progress) {
    this.connection = connection;
    this.settings = settings;
    this.uri = uri;
    this.file = file;
    this.incomplete = incomplete;
    this.record = incomplete.resolveSibling(incomplete.getFileName() + ".parts");
    this.progress = progress;
  }

  void run() throws IOException {
    int parts = (int) Math.ceilDiv(file.size(), (long) settings.partBytes());
    readRecord(parts);
    try (var out = new RandomAccessFile(incomplete.toFile(), "rw")) {
      out.setLength(file.size());
    }
    try (FileChannel channel = FileChannel.open(incomplete, StandardOpenOption.WRITE);
        ExecutorService workers = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<?>> running = new ArrayList<>();
      for (int part = 0; part < parts; part++) {
        int number = part;
        if (done.get(part)) {
          progress.accept(length(part));
        } else {
          running.add(
              workers.submit(
                  () -> {
                    fetch(channel, number);
                    return null;
                  }));
        }
      }
      await(running, workers);
    }
    Files.deleteIfExists(record);
  }

  private static void await(List<Future<?>> running, ExecutorService workers) throws IOException {
    try {
      for (Future<?> part : running) {
        part.get();
      }
    } catch (ExecutionException e) {
      workers.shutdownNow();
      switch (e.getCause()) {
        case IOException io -> throw io;
        case HubException hub -> throw hub;
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    } catch (InterruptedException e) {
      workers.shutdownNow();
      Thread.currentThread().interrupt();
      throw new HubException("interrupted; the same command goes on where it stopped");
    }
  }

  private long length(int part) {
    long start = (long) part * settings.partBytes();
    return Math.min(settings.partBytes(), file.size() - start);
  }

  /** Reads a part, from where the last attempt broke off. */
  private void fetch(FileChannel channel, int part) throws IOException {
    long start = (long) part * settings.partBytes();
    long length = length(part);
    long read = 0;
    String problem = "";
    for (int attempt = 0; attempt < settings.attempts(); attempt++) {
      if (attempt > 0) {
        LockSupport.parkNanos(FIRST_PAUSE_NANOS << attempt);
      }
      try {
        read += copy(channel, start + read, length - read);
        if (read == length) {
          finished(part);
          return;
        }
        problem = "the connection ended early";
      } catch (IOException e) {
        problem = String.valueOf(e.getMessage());
      }
    }
    throw new HubException(
        "%s: %d attempts at bytes %d to %d failed, the last as %s; the same command goes on"
            .formatted(file.name(), settings.attempts(), start, start + length - 1, problem));
  }

  /** Copies what one response gives; returns its bytes, which may be fewer than asked for. */
  private long copy(FileChannel channel, long start, long length) throws IOException {
    HttpResponse<InputStream> response =
        connection.get(uri, "bytes=%d-%d".formatted(start, start + length - 1));
    try (InputStream in = response.body()) {
      int status = response.statusCode();
      if (status / 100 == 5 || status == 429) {
        throw new IOException("status " + status);
      }
      if (status != 206 && !(status == 200 && start == 0 && length == file.size())) {
        throw new HubException(
            file.name() + ": the hub answered " + status + " to a request for a part");
      }
      byte[] buffer = new byte[1 << 16];
      long copied = 0;
      while (copied < length) {
        int n;
        try {
          n = in.read(buffer, 0, (int) Math.min(buffer.length, length - copied));
        } catch (IOException e) {
          return copied;
        }
        if (n < 0) {
          return copied;
        }
        ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, n);
        while (bytes.hasRemaining()) {
          channel.write(bytes, start + copied + bytes.position());
        }
        copied += n;
        progress.accept(n);
      }
      return copied;
    }
  }

  private synchronized void finished(int part) throws IOException {
    done.set(part);
    Files.write(
        record, (settings.partBytes() + "\n" + file.blobName() + "\n" + done).lines().toList());
  }

  private synchronized void readRecord(int parts) throws IOException {
    if (!Files.exists(record) || !Files.exists(incomplete)) {
      return;
    }
    List<String> lines = Files.readAllLines(record);
    boolean fits =
        lines.size() == 3
            && lines.get(0).equals("" + settings.partBytes())
            && lines.get(1).equals(file.blobName());
    if (fits) {
      for (String part : lines.get(2).replaceAll("[{} ]", "").split(",", -1)) {
        if (part.matches("[0-9]{1,9}") && Integer.parseInt(part) < parts) {
          done.set(Integer.parseInt(part));
        }
      }
    }
  }
}
