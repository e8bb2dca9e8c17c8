package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.TokenLogprobs;
import dev.quire.engine.constrain.Constraint;
import dev.quire.engine.constrain.ConstraintSpec;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/completions}: continues texts. */
final class CompletionEndpoint {
  private static final int DEFAULT_TOKENS = 16; // as OpenAI's API says
  private static final int MOST_PROMPTS = 1024;
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Engine engine;
  private final ModelNames models;

  CompletionEndpoint(Engine engine, ModelNames models) {
    this.engine = engine;
    this.models = models;
  }

  /** What the request asks for beside its prompts. */
  private record Wish(
      SamplingParams params,
      boolean echo,
      boolean nothing,
      int logprobs,
      int ofPrompt,
      boolean usage) {}

  void handle(Call call) throws IOException {
    RequestBody body = call.body();
    String model = models.check(body);
    call.takeTimeout();
    if (body.get("suffix") != null && !body.string("suffix").isEmpty()) {
      throw ApiException.invalid("suffix is not supported", "suffix");
    }
    boolean echo = body.flag("echo", false);
    int logprobs = body.integer("logprobs", -1);
    if (logprobs > SamplingFields.MOST_LOGPROBS || logprobs < -1) {
      throw ApiException.invalid(
          "logprobs must be in [0, " + SamplingFields.MOST_LOGPROBS + "]", "logprobs");
    }
    int tokens = body.integer("max_tokens", DEFAULT_TOKENS);
    boolean nothing = echo && tokens == 0;
    boolean stream = body.flag("stream", false);
    int ofPrompt = SamplingFields.promptLogprobs(body, stream);
    int promptLogprobs = echo ? Math.max(logprobs, ofPrompt) : ofPrompt;
    SamplingParams params =
        SamplingFields.of(
            engine.info().sampling(), body, nothing ? 1 : tokens, logprobs, promptLogprobs);
    ConstraintSpec spec = ConstraintFields.of(body);
    Constraint constraint = spec == null ? null : engine.constraint(spec);
    List<GenerationRequest> requests = new ArrayList<>();
    for (Prompt prompt : prompts(body)) {
      requests.add(
          new GenerationRequest(
              prompt, params, body.integer("priority", 0), salt(body), constraint));
    }
    call.report().samples = params.n() * requests.size();
    call.report().maxTokens = tokens;
    var wish = new Wish(params, echo, nothing, logprobs, ofPrompt, StreamOptions.usage(body));
    Submission submission = Submission.start(engine, requests, call);
    try {
      ObjectNode head = head(submission.id(), model);
      if (stream) {
        stream(call, submission, head, requests, wish);
      } else {
        call.send(whole(submission.await(), head, wish));
      }
    } catch (RuntimeException | IOException e) {
      submission.cancel();
      throw e;
    }
  }

  static long salt(RequestBody body) {
    JsonNode salt = body.get("cache_salt");
    if (salt == null) {
      return 0;
    }
    // Spread over 64 bits; a salt never falls together with the one of those who give none.
    long hash = 1125899906842597L;
    for (char c : body.string("cache_salt").toCharArray()) {
      hash = 31 * hash + c;
    }
    return hash == 0 ? 1 : hash;
  }

  private static ObjectNode head(long id, String model) {
    ObjectNode head = MAPPER.createObjectNode();
    head.put("id", "cmpl-" + id);
    head.put("object", "text_completion");
    head.put("created", Instant.now().getEpochSecond());
    head.put("model", model);
    return head;
  }

  private ObjectNode whole(List<Generation> done, ObjectNode root, Wish wish) {
    LogprobJson logprobs = new LogprobJson(engine.tokenizer());
    ArrayNode choices = root.putArray("choices");
    for (int i = 0; i < done.size(); i++) {
      Generation generation = done.get(i);
      for (Generation.Output output : generation.outputs()) {
        ObjectNode choice = choices.addObject();
        choice.put("index", i * wish.params().n() + output.index());
        String text = wish.nothing() ? "" : output.text();
        choice.put("text", wish.echo() ? echo(generation.promptTokenIds()) + text : text);
        if (wish.logprobs() >= 0) {
          logprobs.completion(
              choice,
              wish.echo() ? generation.promptTokenIds() : List.of(),
              wish.echo() ? generation.promptLogprobs() : List.of(),
              wish.nothing() ? List.of() : output.logprobs(),
              wish.logprobs(),
              0);
        } else {
          choice.putNull("logprobs");
        }
        choice.put(
            "finish_reason", wish.nothing() ? "length" : Finish.reason(output.finishReason()));
        if (wish.nothing()) {
          choice.putNull("stop_reason");
        } else {
          Finish.putStopReason(choice, output, wish.params());
        }
        if (wish.ofPrompt() >= 0) {
          logprobs.prompt(choice, generation.promptLogprobs());
        }
      }
    }
    UsageJson.put(root, done);
    return root;
  }

  private String echo(List<Integer> promptTokens) {
    return engine.tokenizer().decode(promptTokens.stream().mapToInt(i -> i).toArray(), true);
  }

  private void stream(
      Call call,
      Submission submission,
      ObjectNode head,
      List<GenerationRequest> requests,
      Wish wish)
      throws IOException {
    LogprobJson logprobs = new LogprobJson(engine.tokenizer());
    int n = wish.params().n();
    int[] offsets = new int[n * requests.size()];
    int[] lastTokens = new int[offsets.length];
    try (EventStream events = EventStream.open(call)) {
      StreamErrors.guard(
          events,
          () -> {
            if (wish.echo() && wish.logprobs() < 0) {
              for (int i = 0; i < requests.size(); i++) {
                echo(requests.get(i).prompt(), i, null, wish, head, events, offsets);
              }
            }
            for (Submission.Arrival a = submission.next(); a != null; a = submission.next()) {
              GenerationEvent event = a.event();
              if (event instanceof GenerationEvent.PromptScored prompt) {
                Prompt given = requests.get(a.prompt()).prompt();
                echo(given, a.prompt(), prompt.logprobs(), wish, head, events, offsets);
              } else if (event instanceof GenerationEvent.Text text && !wish.nothing()) {
                int index = a.prompt() * n + text.index();
                ObjectNode choice = choice(head, index, text.text(), null);
                if (!text.tokenIds().isEmpty()) {
                  lastTokens[index] = text.tokenIds().getLast();
                }
                if (wish.logprobs() >= 0) {
                  List<TokenLogprobs> scored = text.logprobs();
                  offsets[index] =
                      logprobs.completion(
                          (ObjectNode) choice.path("choices").get(0),
                          List.of(),
                          List.of(),
                          scored,
                          wish.logprobs(),
                          offsets[index]);
                }
                events.send(choice);
              } else if (event instanceof GenerationEvent.Finished end) {
                String reason = wish.nothing() ? "length" : Finish.reason(end.reason());
                int index = a.prompt() * n + end.index();
                ObjectNode chunk = choice(head, index, "", reason);
                if (!wish.nothing()) {
                  Finish.putStopReason(
                      (ObjectNode) chunk.path("choices").get(0),
                      end.reason(),
                      end.detail(),
                      lastTokens[index],
                      wish.params());
                }
                events.send(chunk);
              }
            }
            List<Generation> done = submission.results();
            if (wish.usage()) {
              ObjectNode last = head.deepCopy();
              last.putArray("choices");
              UsageJson.put(last, done);
              events.send(last);
            }
          });
      events.done();
    }
  }

  /**
   * Sends a prompt as the beginning of each of its choices.
   *
   * @param scored of its tokens but the first, where log-probabilities are wanted
   */
  private void echo(
      Prompt prompt,
      int number,
      @Nullable List<TokenLogprobs> scored,
      Wish wish,
      ObjectNode head,
      EventStream events,
      int[] offsets) {
    List<Integer> ids = tokens(prompt);
    String text = prompt instanceof Prompt.Text given ? given.text() : echo(ids);
    int n = wish.params().n();
    for (int index = number * n; index < (number + 1) * n; index++) {
      ObjectNode chunk = choice(head, index, text, null);
      offsets[index] = text.length();
      if (scored != null) {
        ObjectNode choice = (ObjectNode) chunk.path("choices").get(0);
        offsets[index] =
            new LogprobJson(engine.tokenizer())
                .completion(choice, ids, scored, List.of(), wish.logprobs(), 0);
      }
      events.send(chunk);
    }
  }

  private List<Integer> tokens(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Tokens(List<Integer> ids) -> ids;
      case Prompt.Text(String text, boolean addSpecial, boolean parseSpecial) ->
          Arrays.stream(engine.tokenizer().encode(text, addSpecial, parseSpecial)).boxed().toList();
    };
  }

  private static ObjectNode choice(
      ObjectNode head, int index, String text, @Nullable String reason) {
    ObjectNode root = head.deepCopy();
    ObjectNode choice = root.putArray("choices").addObject();
    choice.put("index", index);
    choice.put("text", text);
    choice.putNull("logprobs");
    choice.put("finish_reason", reason);
    return root;
  }

  /** A text, texts, token ids, or lists of token ids. */
  private static List<Prompt> prompts(RequestBody body) {
    JsonNode node = body.get("prompt");
    List<Prompt> prompts = new ArrayList<>();
    if (node != null && node.isArray() && !node.isEmpty() && !node.get(0).isNumber()) {
      if (node.size() > MOST_PROMPTS) {
        throw ApiException.invalid("prompt has more than " + MOST_PROMPTS + " entries", "prompt");
      }
      node.forEach(each -> prompts.add(prompt(each)));
    } else {
      prompts.add(prompt(node));
    }
    return prompts;
  }

  static Prompt prompt(@Nullable JsonNode node) {
    if (node != null && node.isString()) {
      return Prompt.text(node.stringValue());
    }
    if (node == null || !node.isArray() || node.isEmpty()) {
      throw ApiException.invalid(
          "prompt must be a text, token ids, or an array of one of them", "prompt");
    }
    int[] ids = new int[node.size()];
    for (int i = 0; i < ids.length; i++) {
      if (!node.get(i).isInt()) {
        throw ApiException.invalid(
            "prompt must be a text, token ids, or an array of one of them", "prompt");
      }
      ids[i] = node.get(i).intValue();
    }
    return Prompt.tokens(ids);
  }
}
