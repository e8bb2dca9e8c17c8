package dev.quire.engine;

import dev.quire.weights.GgufFile;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** The small model that comes with the engine. */
public final class EmbeddedModel {
  private static final String RESOURCE = "/dev/quire/model/default.gguf";
  private static final Path LABEL = Path.of("embedded.gguf");

  /** What GGUF aligns tensors to by default, and more. */
  private static final int ALIGNMENT = 64;

  private EmbeddedModel() {}

  /**
   * Opens it. Its bytes are freed once the file is unreachable.
   *
   * @throws QuireException if this build of the engine comes without one
   */
  public static GgufFile open() {
    try (InputStream in = EmbeddedModel.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw QuireException.invalid(
            "this build of the engine comes without a model: name a GGUF file or a model folder");
      }
      byte[] bytes = in.readAllBytes();
      MemorySegment segment = Arena.ofAuto().allocate(bytes.length, ALIGNMENT);
      MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
      return GgufFile.of(segment, LABEL);
    } catch (IOException e) {
      throw new QuireException(
          QuireException.Kind.FAILED, "cannot read the embedded model: " + e.getMessage(), e);
    }
  }
}
