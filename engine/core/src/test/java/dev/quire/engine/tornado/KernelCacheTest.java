package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class KernelCacheTest {
  private static final byte[] IMAGE = {1, 2, 3, 4, 5, 6, 7, 8};

  @Test
  void givesBackWhatItKept() throws IOException {
    byte[] file = KernelCache.write("method|64|FloatArray", "multiply", IMAGE);
    KernelCache.Stored stored =
        Objects.requireNonNull(KernelCache.read(file, "method|64|FloatArray"));
    assertThat(stored.entry()).isEqualTo("multiply");
    assertThat(stored.image()).isEqualTo(IMAGE);
  }

  @Test
  void anotherKernelsFileIsNotTaken() throws IOException {
    byte[] file = KernelCache.write("method|64|FloatArray", "multiply", IMAGE);
    assertThat(KernelCache.read(file, "method|128|FloatArray")).isNull();
  }

  @Test
  void aDamagedFileIsNotTaken() throws IOException {
    byte[] file = KernelCache.write("method", "multiply", IMAGE);
    file[file.length - 12] ^= 1;
    assertThat(KernelCache.read(file, "method")).isNull();
  }
}
