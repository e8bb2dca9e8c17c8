package dev.quire.engine;

import dev.quire.engine.cpu.math.Arithmetic;
import dev.quire.engine.cpu.math.VectorWidth;
import dev.quire.engine.tornado.TornadoExecutor;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A model that is being read, on a thread of its own: the file's header, then the vocabulary, while
 * the loops for its weights are compiled. All that can begin before it is known how the model is to
 * run, which a command line spends a quarter of a second on.
 *
 * <pre>{@code
 * try (ModelReading reading = ModelReading.start(path)) {
 *   EngineOptions options = …;
 *   Engine engine = Engine.load(reading, options);
 * }
 * }</pre>
 */
public final class ModelReading implements AutoCloseable {
  /** Smaller models are loaded before their loops are warm, and run well with plain ones. */
  private static final long WORTH_WARMING = 64L << 20;

  private final Path path;
  private final FutureTask<ModelFile> file;
  private final FutureTask<@Nullable Tokenizer> vocabulary;
  private final AtomicBoolean taken = new AtomicBoolean();

  // Guarded by this: whoever comes last closes a file that nobody took.
  private boolean done;
  private boolean abandoned;

  private ModelReading(Path path, Callable<ModelFile> opening, boolean warms) {
    this.path = path;
    this.file = new FutureTask<>(opening);
    this.vocabulary = new FutureTask<>(() -> vocabulary(file.get(), warms));
    Thread.ofPlatform().daemon().name("quire-vocabulary").start(this::read);
  }

  private void read() {
    file.run();
    vocabulary.run();
    synchronized (this) {
      done = true;
      if (abandoned) {
        closeFile();
      }
    }
  }

  /**
   * Starts to read a GGUF file (the first one of a split model) or a Hugging Face folder. What is
   * wrong with it is said when it is loaded.
   */
  public static ModelReading start(Path model) {
    return new ModelReading(model, () -> ModelFile.open(model), !TornadoExecutor.onTornadoVm());
  }

  /** Of a file that is open. */
  static ModelReading of(ModelFile file, boolean warms) {
    return new ModelReading(file.path(), () -> file, warms);
  }

  /** What is read. */
  public Path path() {
    return path;
  }

  /** The open file, which the caller closes; once. */
  ModelFile take() {
    if (!taken.compareAndSet(false, true)) {
      throw QuireException.invalid(path + " was loaded before, by the same reading of it");
    }
    return result(file);
  }

  /** The tokenizer, once it is read; null if the model has none. */
  @Nullable Tokenizer tokenizer() {
    return result(vocabulary);
  }

  /** Closes the file, unless it was loaded; where it is still being read, a little later. */
  @Override
  public void close() {
    if (taken.compareAndSet(false, true)) {
      synchronized (this) {
        abandoned = true;
        if (done) {
          closeFile();
        }
      }
    }
  }

  private void closeFile() {
    try {
      result(file).close();
    } catch (RuntimeException | Error e) {
      // It wasn't opened, and nobody wanted it.
    }
  }

  private static <T extends @Nullable Object> T result(Future<T> task) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          switch (e.getCause()) {
            case RuntimeException cause -> throw cause;
            case Error cause -> throw cause;
            case null, default -> throw new IllegalStateException(e);
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static @Nullable Tokenizer vocabulary(ModelFile file, boolean warms) {
    if (warms) {
      warmUp(file);
    }
    return switch (file) {
      case GgufFile gguf -> GgufTokenizer.isIn(gguf) ? GgufTokenizer.read(gguf) : null;
      case HuggingFaceFolder folder ->
          Files.exists(folder.path().resolve("tokenizer.json"))
              ? Tokenizer.fromHuggingFace(folder.path())
              : null;
    };
  }

  /**
   * Vector code takes a second to compile; with this it does while vocabulary and tensors are read.
   * Types of matrices alone count: vectors are read as floats.
   */
  private static void warmUp(ModelFile file) {
    Set<TensorType> types = EnumSet.noneOf(TensorType.class);
    long bytes = 0;
    for (Tensor tensor : file.tensors()) {
      bytes += tensor.data().byteSize();
      if (tensor.shape().length > 1) {
        types.add(tensor.type());
      }
    }
    if (bytes > WORTH_WARMING) {
      Arithmetic.warmUp(VectorWidth.AUTO, types);
    }
  }
}
