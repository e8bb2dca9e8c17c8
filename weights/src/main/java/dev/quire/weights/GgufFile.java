package dev.quire.weights;

import dev.quire.weights.gguf.GgufContent;
import dev.quire.weights.gguf.GgufReader;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.SplitName;
import dev.quire.weights.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model in a GGUF file, or in several that belong together. */
public final class GgufFile implements ModelFile {
  private static final String SPLIT_COUNT = "split.count";
  private static final String SPLIT_NUMBER = "split.no";
  private static final String SPLIT_TENSORS = "split.tensors.count";

  private final Path path;
  private final @Nullable Arena arena;
  private final List<Path> files;
  private final GgufContent first;
  private final Map<String, Tensor> tensors;

  private GgufFile(
      Path path,
      @Nullable Arena arena,
      List<Path> files,
      GgufContent first,
      Map<String, Tensor> tensors) {
    this.path = path;
    this.arena = arena;
    this.files = List.copyOf(files);
    this.first = first;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Maps a file; where it is the first of several ({@code name-00001-of-00003.gguf}), the others
   * too. A file without tensors, as one that holds a vocabulary only, is fine.
   *
   * @throws WeightsException if a file is missing or unsound, or isn't the first of its set
   */
  public static GgufFile open(Path path) {
    @SuppressWarnings("MustBeClosedChecker") // this object closes it
    Arena arena = Arena.ofShared();
    try {
      GgufContent first = GgufReader.read(MappedFile.map(path, arena), path);
      int parts = first.metadata().integer(SPLIT_COUNT, 1);
      if (parts <= 1) {
        return new GgufFile(path, arena, List.of(path), first, first.tensors());
      }
      return openParts(path, arena, first, parts);
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Reads a file that is already in memory, and stays there as long as this is used.
   *
   * @param label stands for the file's name in messages
   * @throws WeightsException if it isn't a sound GGUF file
   */
  public static GgufFile of(MemorySegment bytes, Path label) {
    GgufContent content = GgufReader.read(bytes, label);
    return new GgufFile(label, null, List.of(label), content, content.tensors());
  }

  private static GgufFile openParts(Path path, Arena arena, GgufContent first, int parts) {
    SplitName name = SplitName.of(path, parts);
    if (name.number() != 1 || first.metadata().integer(SPLIT_NUMBER, 0) != 0) {
      throw WeightsException.in(
          path, "is not the first of its %d files; name %s".formatted(parts, name.part(1)));
    }
    List<Path> files = new ArrayList<>(List.of(path));
    Map<String, Tensor> tensors = new LinkedHashMap<>(first.tensors());
    for (int number = 2; number <= parts; number++) {
      Path file = name.part(number);
      GgufContent part = GgufReader.read(MappedFile.map(file, arena), file);
      checkPart(file, part.metadata(), number, parts);
      for (Tensor tensor : part.tensors().values()) {
        if (tensors.put(tensor.name(), tensor) != null) {
          throw WeightsException.in(
              file, "tensor '%s' is in an earlier file too".formatted(tensor.name()));
        }
      }
      files.add(file);
    }
    int expected = first.metadata().integer(SPLIT_TENSORS, tensors.size());
    if (expected != tensors.size()) {
      throw WeightsException.in(
          path,
          "metadata '%s' is %d, but the %d files hold %d tensors"
              .formatted(SPLIT_TENSORS, expected, parts, tensors.size()));
    }
    return new GgufFile(path, arena, files, first, tensors);
  }

  private static void checkPart(Path file, Metadata metadata, int number, int parts) {
    if (metadata.integer(SPLIT_NUMBER) != number - 1 || metadata.integer(SPLIT_COUNT) != parts) {
      throw WeightsException.in(
          file,
          "says that it is part %d of %d, not %d of %d"
              .formatted(
                  metadata.integer(SPLIT_NUMBER) + 1L,
                  metadata.integer(SPLIT_COUNT),
                  number,
                  parts));
    }
  }

  /** The metadata; of several files, the first one's. */
  public Metadata metadata() {
    return first.metadata();
  }

  /** The version of the format, 2 or 3. */
  public int version() {
    return first.version();
  }

  /** The files that make up the model, in order. */
  public List<Path> files() {
    return files;
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Collection<Tensor> tensors() {
    return tensors.values();
  }

  @Override
  public @Nullable Tensor tensor(String name) {
    return tensors.get(name);
  }

  @Override
  public void close() {
    if (arena != null && arena.scope().isAlive()) {
      arena.close();
    }
  }
}
