package dev.quire.cli;

import dev.quire.engine.ModelReading;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Starts to read the model while the command line is parsed, which takes a cold JVM as long as the
 * vocabulary. It looks for the option by itself; where it is mistaken, the file is closed again and
 * nothing else happens.
 */
final class HeadStart implements AutoCloseable {
  private static final Set<String> COMMANDS = Set.of("run", "chat", "serve");

  /** Of the process, which has one command line. */
  private static final AtomicReference<@Nullable ModelReading> UNDER_WAY = new AtomicReference<>();

  private HeadStart() {}

  /** Looks at the arguments of {@code quire}. */
  static HeadStart of(String[] args) {
    Path model = args.length > 0 && COMMANDS.contains(args[0]) ? model(args) : null;
    if (model != null && Files.isRegularFile(model)) {
      UNDER_WAY.set(ModelReading.start(model));
    }
    return new HeadStart();
  }

  private static @Nullable Path model(String[] args) {
    for (int i = 1; i + 1 < args.length; i++) {
      if (args[i].equals("-m") || args[i].equals("--model")) {
        try {
          return Path.of(args[i + 1]);
        } catch (InvalidPathException e) {
          return null; // said where the option is parsed
        }
      }
    }
    return null;
  }

  /** The reading of a model if it has begun; the caller closes it. */
  static @Nullable ModelReading take(Path model) {
    ModelReading reading = UNDER_WAY.get();
    return reading != null && reading.path().equals(model) && UNDER_WAY.compareAndSet(reading, null)
        ? reading
        : null;
  }

  /** Gives up what nobody took. */
  @Override
  public void close() {
    ModelReading reading = UNDER_WAY.getAndSet(null);
    if (reading != null) {
      reading.close();
    }
  }
}
