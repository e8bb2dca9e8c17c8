package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.PinnedPrefix;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.server.QuireServer;
import dev.quire.server.ServerOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code quire serve}: the model behind OpenAI's API. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Serves a model to OpenAI clients over HTTP.",
    footer = {
      "",
      "Examples:",
      "  quire serve -m model.gguf --port 8080",
      "  curl localhost:8080/v1/completions -d '{\"prompt\": \"ROMEO:\", \"max_tokens\": 50}'"
    })
final class ServeCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address to listen on (default: 127.0.0.1, this machine alone).")
  private String host = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "PORT",
      description = "Port to listen on; 0 takes a free one (default: 8000).")
  private int port = 8000;

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      description = "A key that requests must bear; may be given several times.")
  private List<String> apiKeys = new ArrayList<>();

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description = "A file of such keys, one a line.")
  private @Nullable Path apiKeyFile;

  @Option(
      names = {"--served-model-name", "--alias"},
      paramLabel = "NAME",
      description = "What clients call the model (default: its own name).")
  private @Nullable String modelName;

  @Option(
      names = "--pin-system",
      paramLabel = "FILE",
      description =
          "A system prompt that chats begin with: computed at the start, once, and kept in the KV"
              + " cache for all of them.")
  private @Nullable Path pinSystem;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private HttpOptions http = new HttpOptions();
  @Mixin private ServingOptions serving = new ServingOptions();

  ServeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (port < 0 || port > 65535) {
      throw new UsageError("--port must be in [0, 65535]; it is " + port);
    }
    List<String> keys = keys();
    // The web server's greetings are no news for our users.
    Logger quiet = Logger.getLogger("io.helidon");
    quiet.setLevel(Level.WARNING);
    var stop = new CountDownLatch(1);
    try (var interruption = new Interruption(() -> countDown(stop));
        Engine engine = ModelOpener.open(console, model, serving);
        PinnedPrefix pinned = pinned(engine)) {
      if (pinned != null) {
        console.say("the system prompt's first " + pinned.pinnedTokens() + " tokens are pinned");
      }
      String name = modelName == null ? engine.info().name() : modelName;
      try (QuireServer server =
          start(
              engine,
              http.apply(
                  new ServerOptions(host, port, keys, name)
                      .withBlockTexts(keys.isEmpty() && isLoopback())))) {
        String scheme = http.isTls() ? "https" : "http";
        console.say(
            "serving " + name + " at " + scheme + "://" + host + ":" + server.port() + "/v1");
        if (keys.isEmpty() && !isLoopback()) {
          console.say("whoever reaches this address may use the model: --api-key-file names keys");
        }
        stop.await();
        console.say("stopping");
      }
      return interruption.happened() ? CommandLineRunner.DONE : CommandLineRunner.FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CommandLineRunner.FAILED;
    }
  }

  private @Nullable PinnedPrefix pinned(Engine engine) throws IOException {
    return pinSystem == null ? null : SystemPrompt.pin(engine, Files.readString(pinSystem));
  }

  /** Whether nobody but this machine's users can ask. */
  private boolean isLoopback() {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static boolean countDown(CountDownLatch latch) {
    latch.countDown();
    return true;
  }

  private QuireServer start(Engine engine, ServerOptions options) {
    ChatFormat chat = ChatFormat.of(engine);
    try {
      return QuireServer.start(engine, options, chat, Version.current());
    } catch (RuntimeException e) {
      throw new Failure("cannot listen on " + host + ":" + port + ": " + rootMessage(e));
    }
  }

  private static String rootMessage(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private List<String> keys() throws IOException {
    List<String> keys = new ArrayList<>(apiKeys);
    if (apiKeyFile != null) {
      Files.readAllLines(apiKeyFile).stream()
          .map(String::strip)
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .forEach(keys::add);
      if (keys.isEmpty()) {
        throw new Failure(apiKeyFile + ": holds no key");
      }
    }
    return keys;
  }
}
