package dev.quire.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps whole files, of any size, for reading. */
public final class MappedFile {
  private MappedFile() {}

  /**
   * The bytes of a file, for as long as the arena lives.
   *
   * @throws WeightsException if it isn't there or can't be read
   */
  public static MemorySegment map(Path file, Arena arena) {
    if (Files.isDirectory(file)) {
      throw WeightsException.in(file, "is a folder where a file is needed");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      // A plain native segment over the mapping: where loads meet two classes of segments, C2
      // compiles each of them twice over and stops inlining.
      @SuppressWarnings("restricted")
      MemorySegment plain =
          channel.map(MapMode.READ_ONLY, 0, channel.size(), arena).reinterpret(arena, null);
      return plain;
    } catch (NoSuchFileException e) {
      throw new WeightsException(file + ": no such file", e);
    } catch (AccessDeniedException e) {
      throw new WeightsException(file + ": no permission to read it", e);
    } catch (IOException | UnsupportedOperationException e) {
      throw new WeightsException(file + ": can't be mapped: " + e.getMessage(), e);
    }
  }
}
