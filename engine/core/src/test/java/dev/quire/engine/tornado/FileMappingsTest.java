package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class FileMappingsTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void onlyFilesMappedForReadingAreGivenBack() throws IOException {
    Path file = folder.resolve("weights");
    byte[] bytes = new byte[1 << 20];
    java.util.Arrays.fill(bytes, (byte) 7);
    Files.write(file, bytes);
    try (Arena arena = Arena.ofConfined();
        FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        HostMirror mirror = new HostMirror()) {
      MemorySegment read = channel.map(MapMode.READ_ONLY, 0, bytes.length, arena);
      MemorySegment copy = channel.map(MapMode.PRIVATE, 0, bytes.length, arena);
      MemorySegment plain = arena.allocate(1 << 20);
      FileMappings mappings = FileMappings.now();
      assertThat(mappings.hold(read.asSlice(4096, 70_000))).isTrue();
      assertThat(mappings.hold(copy)).isFalse();
      assertThat(mappings.hold(plain)).isFalse();
      assertThat(mappings.hold(MemorySegment.ofArray(bytes))).isFalse();
      mirror.releaseFile(read);
      assertThat(read.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
    }
  }
}
