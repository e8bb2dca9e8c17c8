package dev.quire.cli.hub;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where models come from and go to, by the environment variables of Hugging Face's tools.
 *
 * @param endpoint {@code HF_ENDPOINT}
 * @param token {@code HF_TOKEN}; null for none
 * @param cache {@code HF_HUB_CACHE}, or {@code hub} in {@code HF_HOME}
 * @param partBytes bytes of one ranged request
 * @param attempts how often a part is asked for before the download fails
 */
public record HubSettings(
    URI endpoint, @Nullable String token, Path cache, int partBytes, int attempts) {
  private static final int PART_BYTES = 16 << 20;
  private static final int ATTEMPTS = 6;

  /** As the environment says. */
  public static HubSettings of(Map<String, String> environment, Path home) {
    String endpoint = environment.getOrDefault("HF_ENDPOINT", "https://huggingface.co");
    String hubHome = environment.get("HF_HOME");
    Path folder = hubHome == null ? home.resolve(".cache/huggingface") : Path.of(hubHome);
    String cache = environment.get("HF_HUB_CACHE");
    return new HubSettings(
        URI.create(endpoint.replaceAll("/+$", "")),
        environment.get("HF_TOKEN"),
        cache == null ? folder.resolve("hub") : Path.of(cache),
        PART_BYTES,
        ATTEMPTS);
  }
}
