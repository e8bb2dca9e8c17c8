package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineStats;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.QuireException;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.paging.KvUsage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A conversation so far, and the commands that steer it; knows nothing of terminals. */
final class ChatSession {
  private static final List<String> HELP =
      List.of(
          "/help            this list",
          "/reset           forget the conversation",
          "/system [TEXT]   tell the model something before the first turn, or nothing",
          "/stats           what the last answer and the engine's memory took",
          "/exit            leave (Ctrl-D does, too)",
          "Ctrl-C stops an answer.");

  private final Console console;
  private final Engine engine;
  private final ChatFormat format;
  private final SamplingParams params;
  private final List<Map<String, @Nullable Object>> turns = new ArrayList<>();
  private final AtomicReference<@Nullable RequestHandle> answering = new AtomicReference<>();
  private @Nullable String system;
  private String figures = "no answer yet";

  ChatSession(
      Console console,
      Engine engine,
      ChatFormat format,
      SamplingParams params,
      @Nullable String system) {
    this.console = console;
    this.engine = engine;
    this.format = format;
    this.params = params;
    this.system = system;
  }

  /**
   * Takes one line of the user's.
   *
   * @param out takes the answer's text as it comes
   * @return false if the user wants to leave
   */
  boolean take(String line, Consumer<String> out) {
    String text = line.strip();
    if (text.isEmpty()) {
      return true;
    }
    if (!text.startsWith("/")) {
      answer(text, out);
      return true;
    }
    String[] words = text.split("\\s+", 2);
    switch (words[0]) {
      case "/help", "/?" -> HELP.forEach(console.err()::println);
      case "/reset", "/clear" -> {
        turns.clear();
        console.say("the conversation starts anew");
      }
      case "/system" -> {
        system = words.length > 1 ? words[1] : null;
        turns.clear();
        console.say(system == null ? "no system prompt" : "system prompt set; starting anew");
      }
      case "/stats" -> stats();
      case "/exit", "/quit", "/bye" -> {
        return false;
      }
      default -> console.say("no such command: " + words[0] + "; /help lists them");
    }
    return true;
  }

  /** Stops the answer under way, if there is one. */
  boolean stop() {
    RequestHandle handle = answering.get();
    if (handle != null) {
      handle.cancel();
    }
    return handle != null;
  }

  private void answer(String text, Consumer<String> out) {
    turns.add(message("user", text));
    StringBuilder answer = new StringBuilder();
    try {
      RequestHandle handle =
          engine.submit(
              new GenerationRequest(
                  format.render(ChatFormat.Conversation.of(conversation())), params));
      answering.set(handle);
      for (GenerationEvent event : handle.events()) {
        if (event instanceof GenerationEvent.Text piece) {
          answer.append(piece.text());
          out.accept(piece.text());
        }
      }
      Generation done = handle.await();
      figures = Figures.of(done.usage());
      if (done.finishReason() == FinishReason.ERROR) {
        throw new Failure("the generation failed: " + done.outputs().getFirst().detail());
      }
      turns.add(message("assistant", answer.toString()));
    } catch (QuireException e) {
      turns.removeLast();
      console.say(e.getMessage() + (turns.isEmpty() ? "" : "; /reset starts anew"));
    } finally {
      answering.set(null);
    }
  }

  private List<Map<String, @Nullable Object>> conversation() {
    List<Map<String, @Nullable Object>> all = new ArrayList<>();
    if (system != null) {
      all.add(message("system", system));
    }
    all.addAll(turns);
    return all;
  }

  private static Map<String, @Nullable Object> message(String role, String content) {
    Map<String, @Nullable Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private void stats() {
    EngineStats stats = engine.stats();
    console.say(figures);
    KvUsage memory = stats.memory();
    console.say(
        String.format(
            Locale.ROOT,
            "%d turns, %d prompt tokens found in the cache so far",
            turns.size(),
            stats.cachedTokens()));
    console.say(
        String.format(
            Locale.ROOT,
            "KV cache: %d of %d blocks in use, %d shared (which saves %d), %d cached, %d of %d"
                + " host blocks swapped; %d tokens stored, %d slots wasted in last blocks; %d"
                + " preemptions",
            memory.usedBlocks(),
            memory.totalBlocks(),
            memory.sharedBlocks(),
            memory.savedBlocks(),
            memory.cachedBlocks(),
            memory.swappedBlocks(),
            memory.hostBlocks(),
            memory.tokenSlots(),
            memory.wastedSlots(),
            stats.preemptions()));
  }
}
