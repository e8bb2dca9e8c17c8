package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.QuireException;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
  private static final long MEBIBYTE = 1L << 20;

  @AfterEach
  void theDeviceIsAsLargeAsItIs() {
    System.clearProperty("tornado.device.memory");
  }

  private static EngineOptions options(long cacheBytes) {
    return EngineOptions.builder()
        .device("jvm")
        .maxNumSeqs(2)
        .maxNumBatchedTokens(16)
        .maxModelLen(64)
        .kvCacheMemory(cacheBytes)
        .build();
  }

  @Test
  void aCacheThatTheDeviceHasNoRoomForNamesTheOneThatFits() {
    System.setProperty("tornado.device.memory", "64MB");
    String[] said = new String[1];
    assertThatThrownBy(() -> Engine.loadEmbedded(options(60 * MEBIBYTE)))
        .isInstanceOfSatisfying(
            QuireException.class, e -> assertThat(e.kind()).isEqualTo(QuireException.Kind.INVALID))
        .hasMessageContaining("out of memory")
        .hasMessageContaining("KV cache of 60 MiB")
        .satisfies(e -> said[0] = e.getMessage());
    long fits =
        Long.parseLong(said[0].replaceFirst(".*--kv-cache-memory ([0-9]+)MiB fits.*", "$1"));
    // The size that the message names does fit, and one a little larger does not.
    Engine.loadEmbedded(options(fits * MEBIBYTE)).close();
    assertThatThrownBy(() -> Engine.loadEmbedded(options((fits + 2) * MEBIBYTE)))
        .hasMessageContaining("out of memory");
  }

  @Test
  void aModelThatFillsTheDeviceNamesOtherWaysOut() {
    System.setProperty("tornado.device.memory", "4MB");
    assertThatThrownBy(() -> Engine.loadEmbedded(options(4 * MEBIBYTE)))
        .hasMessageContaining("--max-num-batched-tokens")
        .hasMessageContaining("quantize");
  }

  @Test
  void knowsHowDriversAndTornadoVmSayIt() {
    assertThat(
            DeviceMemory.outOfMemory(
                new RuntimeException(
                    new IllegalStateException("CUDA_ERROR_OUT_OF_MEMORY: Out of Memory"))))
        .isTrue();
    assertThat(DeviceMemory.outOfMemory(new RuntimeException("illegal address"))).isFalse();
    assertThat(DeviceMemory.mebibytes(3 * MEBIBYTE + 1).toLowerCase(Locale.ROOT))
        .isEqualTo("4 mib");
  }
}
