package dev.quire.cli;

import dev.quire.cli.hub.Hub;
import dev.quire.cli.hub.HubReference;
import dev.quire.cli.hub.HubSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code quire pull}: fetches a model from a hub. */
@Command(
    name = "pull",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Fetches a model from the Hugging Face hub, or from where HF_ENDPOINT points.",
    footer = {
      "",
      "HF_TOKEN is sent to the hub; HF_HOME or HF_HUB_CACHE say where models are kept. A download",
      "that was broken off goes on where it stopped.",
      "",
      "Examples:",
      "  quire pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0",
      "  quire run -m hf:Qwen/Qwen2.5-0.5B-Instruct \"Once upon a time\""
    })
final class PullCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "owner/name, owner/name:QUANT or owner/name@REVISION:QUANT.")
  private String model = "";

  PullCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    Path path = fetch(console, model);
    console.out().println(path);
    return CommandLineRunner.DONE;
  }

  /** Fetches a model as far as it is not there yet; says what comes. */
  static Path fetch(Console console, String reference) throws IOException {
    HubSettings settings =
        HubSettings.of(System.getenv(), Path.of(System.getProperty("user.home", ".")));
    try (Hub hub = new Hub(settings)) {
      return hub.pull(HubReference.parse(reference), new Progress(console));
    }
  }

  /** A line for each file, and one for each tenth of a large one. */
  private static final class Progress implements Hub.Listener {
    private static final long LARGE = 64L << 20;

    private final Console console;
    private String name = "";
    private long size;
    private long done;
    private int tenths;

    Progress(Console console) {
      this.console = console;
    }

    @Override
    public synchronized void file(String newName, long bytes) {
      name = newName;
      size = bytes;
      done = 0;
      tenths = 0;
      console.say("%s (%.1f MiB)".formatted(name, bytes / 1048576.0));
    }

    @Override
    public synchronized void bytes(long count) {
      done += count;
      int now = size <= 0 ? 0 : (int) (done * 10 / size);
      if (size >= LARGE && now > tenths) {
        tenths = now;
        console.say("%s: %d %%".formatted(name, now * 10));
      }
    }
  }
}
