package dev.quire.cli;

import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.TokenizerException;
import dev.quire.tokenizer.chat.ChatRequest;
import dev.quire.tokenizer.chat.ChatTemplate;
import dev.quire.tokenizer.chat.ChatTemplateException;
import dev.quire.tokenizer.chat.TemplateTexts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code quire chat-template}: what a chat template makes of a conversation. */
@Command(
    name = "chat-template",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Renders chat templates. One JSON request a line on stdin (messages, tools,"
          + " add_generation_prompt, bos_token, eos_token, now, and what else the template knows);"
          + " {\"text\": …} or {\"error\": …} a line on stdout."
    },
    footer = {
      "",
      "Examples:",
      "  quire chat-template --template chat.jinja --jsonl < requests.jsonl"
    })
final class ChatTemplateCommand implements Callable<Integer> {
  private static final Set<String> NAMED =
      Set.of("messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "now");
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Console console;

  @ArgGroup(multiplicity = "0..1")
  private Source source = new Source();

  @Option(names = "--jsonl", description = "One request a line; the only form there is.")
  @SuppressWarnings("UnusedVariable") // says how lines are read, which is the only way
  private boolean jsonl;

  /** Where the template comes from. */
  static final class Source {
    @Option(
        names = {"-m", "--model"},
        required = true,
        paramLabel = "MODEL",
        description = "A GGUF file or a Hugging Face folder; weights are not needed.")
    private @Nullable Path model;

    @Option(
        names = "--template",
        required = true,
        paramLabel = "FILE",
        description = "A file with the template alone.")
    private @Nullable Path template;
  }

  ChatTemplateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    TemplateTexts texts;
    if (source.template != null) {
      texts =
          TemplateTexts.of(new String(Files.readAllBytes(source.template), StandardCharsets.UTF_8));
    } else {
      texts = TemplateSource.of(source.model);
      if (texts == null && source.model == null) {
        throw new UsageError(
            "the embedded model has no chat template: give -m MODEL or --template FILE");
      }
      if (texts == null) {
        throw new Failure(source.model + ": has no chat template");
      }
    }
    ChatTemplate template = ChatTemplate.of(texts);
    TokenNames names = source.template == null ? tokenNames() : new TokenNames("", "");
    JsonLines.each(console, node -> render(template, node, names).toString());
    return CommandLineRunner.DONE;
  }

  /** How the model's own tokens are spelled, for requests that do not say. */
  private record TokenNames(String bos, String eos) {}

  private TokenNames tokenNames() {
    try {
      Tokenizer tokenizer = VocabularyLoader.load(source.model);
      return new TokenNames(
          spelling(tokenizer, tokenizer.bosId()), spelling(tokenizer, tokenizer.eosId()));
    } catch (TokenizerException e) {
      // A template needs no vocabulary.
      return new TokenNames("", "");
    }
  }

  private static String spelling(Tokenizer tokenizer, OptionalInt id) {
    return id.isPresent() ? tokenizer.token(id.getAsInt()) : "";
  }

  private static ObjectNode render(ChatTemplate template, JsonNode node, TokenNames names) {
    ObjectNode answer = MAPPER.createObjectNode();
    try {
      answer.put("text", template.render(request(node, names)));
    } catch (ChatTemplateException e) {
      answer.put("error", e.getMessage());
    }
    return answer;
  }

  private static ChatRequest request(JsonNode node, TokenNames names) {
    JsonNode messages = node.get("messages");
    if (messages == null || !messages.isArray()) {
      throw new IllegalArgumentException("messages must be an array");
    }
    Map<String, @Nullable Object> extra = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!NAMED.contains(field.getKey())) {
        extra.put(field.getKey(), MAPPER.convertValue(field.getValue(), Object.class));
      }
    }
    JsonNode tools = node.get("tools");
    return new ChatRequest(
        maps(messages),
        tools == null || tools.isNull() ? null : MAPPER.convertValue(tools, List.class),
        node.path("add_generation_prompt").asBoolean(false),
        node.path("bos_token").asString(names.bos()),
        node.path("eos_token").asString(names.eos()),
        now(node.get("now")),
        extra);
  }

  @SuppressWarnings("unchecked") // Jackson makes string-keyed maps of objects
  private static List<Map<String, @Nullable Object>> maps(JsonNode messages) {
    for (JsonNode message : messages) {
      if (!message.isObject()) {
        throw new IllegalArgumentException("every message must be an object");
      }
    }
    return MAPPER.convertValue(messages, List.class);
  }

  private static LocalDateTime now(@Nullable JsonNode now) {
    if (now == null || now.isNull()) {
      return LocalDateTime.now(ZoneId.systemDefault());
    }
    String text = now.asString("").replace(' ', 'T').replaceFirst("(Z|[+-]\\d\\d:\\d\\d)$", "");
    try {
      return LocalDateTime.parse(text.contains("T") ? text : text + "T00:00:00");
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "now must be a time such as 2024-07-26T12:00:00; it is " + now);
    }
  }
}
