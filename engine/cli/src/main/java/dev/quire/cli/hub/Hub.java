package dev.quire.cli.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A hub of models. Files land in the cache as Hugging Face's tools keep them: contents in {@code
 * blobs}, named by their hash, and a snapshot of each commit that links to them.
 */
public final class Hub implements AutoCloseable {
  private static final List<String> USUAL_QUANTS =
      List.of("Q4_K_M", "Q4_K", "Q8_0", "Q4_0", "F16", "BF16", "F32", "");
  private static final List<String> FOLDER_FILES =
      List.of(".safetensors", ".json", ".jinja", "tokenizer.model");

  private final HubSettings settings;
  private final HubConnection connection;

  public Hub(HubSettings settings) {
    this.settings = settings;
    this.connection = new HubConnection(settings);
  }

  /** What is told of a download. */
  public interface Listener {
    /** A file begins. */
    void file(String name, long bytes);

    /** Bytes of it came. */
    void bytes(long count);
  }

  private record Listing(String commit, List<HubFile> files) {}

  /**
   * Fetches a model, as far as it is not there yet.
   *
   * @return the GGUF file, or the folder of a model in safetensors
   * @throws HubException if the hub has no such model, or what came is not what it announced
   */
  public Path pull(HubReference reference, Listener listener) throws IOException {
    Listing listing = list(reference);
    List<HubFile> wanted = choose(reference, listing.files());
    Path folder = settings.cache().resolve(reference.folder());
    Path snapshot = folder.resolve("snapshots").resolve(listing.commit());
    for (HubFile file : wanted) {
      listener.file(file.name(), file.size());
      fetch(reference, listing.commit(), file, folder, snapshot, listener::bytes);
    }
    Path ref = folder.resolve("refs").resolve(reference.revision());
    Files.createDirectories(ref.getParent());
    Files.writeString(ref, listing.commit());
    HubFile first = wanted.getFirst();
    return first.name().endsWith(".gguf") ? snapshot.resolve(first.name()) : snapshot;
  }

  private Listing list(HubReference reference) throws IOException {
    URI uri =
        URI.create(
            "%s/api/models/%s/revision/%s?blobs=true"
                .formatted(settings.endpoint(), reference.repository(), reference.revision()));
    HttpResponse<InputStream> response = connection.get(uri, "");
    JsonNode root;
    try (InputStream in = response.body()) {
      int status = response.statusCode();
      if (status == 401 || status == 403) {
        throw new HubException(
            reference.repository() + ": not open to you, or not there; set HF_TOKEN to a token");
      }
      if (status != 200) {
        throw new HubException(
            reference.repository() + ": the hub has no such model (status " + status + ")");
      }
      root = new JsonMapper().readTree(in);
    } catch (JacksonException e) {
      throw new HubException(uri + ": no JSON: " + e.getOriginalMessage());
    }
    String commit = root.path("sha").asString("");
    if (!commit.matches("[0-9a-zA-Z]{1,64}")) {
      throw new HubException(uri + ": names no commit");
    }
    List<HubFile> files = new ArrayList<>();
    for (JsonNode entry : root.path("siblings")) {
      String name = entry.path("rfilename").asString("");
      JsonNode lfs = entry.path("lfs");
      files.add(
          new HubFile(
              safe(name),
              lfs.path("size").asLong(entry.path("size").asLong(-1)),
              hash(lfs.path("sha256"), 64),
              hash(entry.path("blobId"), 40)));
    }
    return new Listing(commit, files);
  }

  /** A name is a path in the cache: it must not lead out of it. */
  private static String safe(String name) {
    Path path = Path.of(name);
    if (name.isEmpty()
        || path.isAbsolute()
        || name.contains("\\")
        || !path.normalize().toString().equals(name)
        || name.startsWith("..")) {
      throw new HubException("the hub lists a file of a forbidden name: '" + name + "'");
    }
    return name;
  }

  private static @Nullable String hash(JsonNode node, int length) {
    String text = node.asString("");
    return text.matches("[0-9a-f]{" + length + "}") ? text : null;
  }

  private static List<HubFile> choose(HubReference reference, List<HubFile> files) {
    List<HubFile> ggufs = files.stream().filter(f -> f.name().endsWith(".gguf")).toList();
    List<HubFile> folder =
        files.stream()
            .filter(f -> !f.name().contains("/"))
            .filter(f -> FOLDER_FILES.stream().anyMatch(f.name()::endsWith))
            .toList();
    boolean safetensors = folder.stream().anyMatch(f -> f.name().endsWith(".safetensors"));
    if (reference.quant().isEmpty() && safetensors) {
      return folder;
    }
    List<String> quants = reference.quant().isEmpty() ? USUAL_QUANTS : List.of(reference.quant());
    for (String quant : quants) {
      List<HubFile> fitting =
          ggufs.stream()
              .filter(f -> upper(f.name()).contains(upper(quant)))
              .filter(f -> !upper(f.name()).contains("MMPROJ"))
              .toList();
      if (!fitting.isEmpty()) {
        HubFile first = fitting.getFirst();
        // A split model comes whole; its first file stands for it.
        String stem = first.name().replaceFirst("-\\d{5}-of-\\d{5}\\.gguf$", "");
        return stem.equals(first.name())
            ? List.of(first)
            : fitting.stream().filter(f -> f.name().startsWith(stem)).toList();
      }
    }
    throw new HubException(
        "%s has no %s; its GGUF files: %s"
            .formatted(
                reference.repository(),
                reference.quant().isEmpty() ? "model that fits" : reference.quant(),
                ggufs.isEmpty()
                    ? "none"
                    : String.join(", ", ggufs.stream().map(HubFile::name).toList())));
  }

  private static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  private void fetch(
      HubReference reference,
      String commit,
      HubFile file,
      Path folder,
      Path snapshot,
      LongConsumer progress)
      throws IOException {
    Path blob = folder.resolve("blobs").resolve(file.blobName());
    Path link = snapshot.resolve(file.name());
    if (!Files.exists(blob)) {
      Files.createDirectories(blob.getParent());
      Path incomplete = blob.resolveSibling(blob.getFileName() + ".incomplete");
      URI uri =
          URI.create(
              "%s/%s/resolve/%s/%s"
                  .formatted(
                      settings.endpoint(),
                      reference.repository(),
                      commit,
                      file.name().replace(" ", "%20")));
      if (file.size() <= 0) {
        throw new HubException(file.name() + ": the hub does not say its size");
      }
      new PartDownload(connection, settings, uri, file, incomplete, progress).run();
      check(file, incomplete);
      Files.move(incomplete, blob, StandardCopyOption.ATOMIC_MOVE);
    } else {
      progress.accept(file.size());
    }
    Path links = Objects.requireNonNull(link.getParent());
    Files.createDirectories(links);
    if (!Files.exists(link)) {
      Files.deleteIfExists(link);
      try {
        Files.createSymbolicLink(link, links.relativize(blob));
      } catch (UnsupportedOperationException | IOException e) {
        Files.copy(blob, link, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static void check(HubFile file, Path content) throws IOException {
    String expected = file.sha256() != null ? file.sha256() : file.gitHash();
    if (expected == null) {
      return;
    }
    String found;
    try (InputStream in = Files.newInputStream(content)) {
      MessageDigest digest = MessageDigest.getInstance(file.sha256() != null ? "SHA-256" : "SHA-1");
      if (file.sha256() == null) {
        digest.update(("blob " + file.size() + "\0").getBytes(StandardCharsets.US_ASCII));
      }
      byte[] buffer = new byte[1 << 20];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      found = HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA", e);
    }
    if (!found.equals(expected)) {
      Files.delete(content);
      throw new HubException(
          "%s: its checksum is %s where the hub announced %s; it was thrown away"
              .formatted(file.name(), found, expected));
    }
  }

  @Override
  public void close() {
    connection.close();
  }
}
