package dev.quire.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What users meet when a file is not what they think: one line, exit code 1, nothing else. */
@Timeout(180)
class BadInputTest {
  private static final long ABSURD = 1L << 60;
  private static final String EMBEDDING = "token_embd.weight";
  private static final String NORM = "output_norm.weight";

  @TempDir private Path folder;

  /** A way to spoil a sound file, and what the message must name. */
  enum Spoiled {
    NO_GGUF("not a GGUF file", bytes -> bytes.put(0, (byte) 'X')),
    OLD_VERSION("version", bytes -> bytes.putInt(4, 1)),
    ABSURD_TENSOR_COUNT("tensor", bytes -> bytes.putLong(8, ABSURD)),
    ABSURD_METADATA_COUNT("metadata", bytes -> bytes.putLong(16, ABSURD)),
    ABSURD_STRING("byte 24", bytes -> bytes.putLong(24, ABSURD)),
    NEGATIVE_TENSOR_COUNT("tensor", bytes -> bytes.putLong(8, -1)),
    NAN_ROPE(
        "rope.freq_base", bytes -> bytes.putFloat(value(bytes, "llama.rope.freq_base"), Float.NaN)),
    NO_LAYERS("block_count", bytes -> bytes.putInt(value(bytes, "llama.block_count"), 0)),
    TOO_MANY_LAYERS("block_count", bytes -> bytes.putInt(value(bytes, "llama.block_count"), -1)),
    UNKNOWN_TYPE("token_embd.weight", bytes -> bytes.putInt(typeOf(bytes, EMBEDDING), 9999)),
    ABSURD_SHAPE("token_embd.weight", bytes -> bytes.putLong(typeOf(bytes, EMBEDDING) - 8, ABSURD)),
    OUTSIDE("output_norm.weight", bytes -> bytes.putLong(typeOf(bytes, NORM) + 4, 1L << 40)),
    OVERLAPPING("overlap", bytes -> bytes.putLong(typeOf(bytes, NORM) + 4, 64));

    private final String named;

    @SuppressWarnings("ImmutableEnumChecker") // lambdas without state
    private final Consumer<ByteBuffer> spoil;

    Spoiled(String named, Consumer<ByteBuffer> spoil) {
      this.named = named;
      this.spoil = spoil;
    }

    /** Where the value of a metadata key begins. */
    private static int value(ByteBuffer bytes, String key) {
      return after(bytes, key) + Integer.BYTES;
    }

    /** Where a tensor's type stands: after its name, the number of dimensions, and each. */
    private static int typeOf(ByteBuffer bytes, String tensor) {
      int at = after(bytes, tensor);
      return at + Integer.BYTES + bytes.getInt(at) * Long.BYTES;
    }

    /** The end of a string that is written with its length before it. */
    private static int after(ByteBuffer bytes, String text) {
      byte[] wanted = text.getBytes(UTF_8);
      for (int i = 8; i < bytes.capacity() - wanted.length; i++) {
        if (bytes.getLong(i - 8) == wanted.length
            && ByteBuffer.wrap(wanted).mismatch(bytes.slice(i, wanted.length)) < 0) {
          return i + wanted.length;
        }
      }
      throw new IllegalArgumentException("the model has no " + text);
    }
  }

  private record Outcome(int exitCode, String out, String err) {}

  private static Outcome run(String... args) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exitCode =
        CommandLineRunner.run(
            new Console(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, false, UTF_8),
                new PrintStream(err, true, UTF_8),
                Terminals.NONE),
            args);
    return new Outcome(exitCode, out.toString(UTF_8), err.toString(UTF_8));
  }

  private static void assertRefused(Path file, String named) {
    Outcome outcome = run("run", "-m", file.toString(), "-n", "1", "x");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err())
        .startsWith("quire: ")
        .hasLineCount(1)
        .contains(file.getFileName().toString())
        .contains(named)
        .doesNotContain("unexpected", "Exception");
  }

  private static byte[] embedded() throws IOException {
    try (InputStream in = BadInputTest.class.getResourceAsStream("/dev/quire/model/default.gguf")) {
      return Objects.requireNonNull(in).readAllBytes();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSpoiledFileIsRefusedByWhatIsWrong(Spoiled spoiled) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(embedded()).order(ByteOrder.LITTLE_ENDIAN);
    spoiled.spoil.accept(bytes);
    assertRefused(Files.write(folder.resolve("spoiled.gguf"), bytes.array()), spoiled.named);
  }

  @Test
  void aTruncatedFileIsRefusedWhereverItEnds() throws IOException {
    byte[] whole = embedded();
    Path file = folder.resolve("truncated.gguf");
    for (int length = 0; length < whole.length; length += 1 + length / 2) {
      byte[] part = new byte[length];
      System.arraycopy(whole, 0, part, 0, length);
      assertRefused(Files.write(file, part), "truncated.gguf");
    }
  }

  @Test
  void whatIsNoModelIsRefused() throws IOException {
    assertRefused(folder.resolve("missing.gguf"), "missing.gguf");
    assertRefused(Files.createDirectory(folder.resolve("empty")), "config.json");
    assertRefused(Files.writeString(folder.resolve("text.txt"), "Not a model.\n"), "text.txt");
    Path broken = Files.createDirectory(folder.resolve("broken"));
    Files.writeString(broken.resolve("config.json"), "{\"model_type\": ");
    assertRefused(broken, "config.json");
    Files.writeString(broken.resolve("config.json"), "{\"model_type\": \"llama\"}");
    assertRefused(broken, "model.safetensors");
    Files.write(broken.resolve("model.safetensors"), new byte[] {-1, -1, -1, -1, -1, -1, -1, 127});
    assertRefused(broken, "model.safetensors");
  }
}
