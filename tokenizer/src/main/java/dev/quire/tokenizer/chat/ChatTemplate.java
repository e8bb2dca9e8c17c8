package dev.quire.tokenizer.chat;

import dev.quire.tokenizer.jinja.Callable;
import dev.quire.tokenizer.jinja.JinjaException;
import dev.quire.tokenizer.jinja.Template;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model's chat template: Jinja with the functions that transformers provides. */
public final class ChatTemplate {
  private final TemplateTexts texts;
  private final Template usual;
  private final Template toolUse;

  private ChatTemplate(TemplateTexts texts, Template usual, Template toolUse) {
    this.texts = texts;
    this.usual = usual;
    this.toolUse = toolUse;
  }

  /**
   * Parses a template.
   *
   * @throws ChatTemplateException with the line if it is malformed
   */
  public static ChatTemplate of(String source) {
    return of(TemplateTexts.of(source));
  }

  /**
   * Parses a model's templates.
   *
   * @throws ChatTemplateException with the line if one is malformed
   */
  public static ChatTemplate of(TemplateTexts texts) {
    Template usual = parse(texts.usual());
    String named = texts.toolUse();
    return new ChatTemplate(texts, usual, named == null ? usual : parse(named));
  }

  private static Template parse(String source) {
    try {
      return Template.parse(source);
    } catch (JinjaException e) {
      throw new ChatTemplateException("chat template: " + e.getMessage(), e);
    }
  }

  /** Whether a conversation's tools have a place in what is rendered. */
  public boolean takesTools() {
    return texts.toolUse() != null || texts.usual().contains("tools");
  }

  /**
   * Renders a conversation.
   *
   * @throws ChatTemplateException with the template's own message if it refuses the conversation
   */
  public String render(ChatRequest request) {
    Map<String, @Nullable Object> variables = new HashMap<>();
    variables.put(
        "raise_exception",
        (Callable)
            (arguments, _) -> {
              throw new JinjaException(
                  arguments.isEmpty() ? "" : Template.text(arguments.getFirst()));
            });
    variables.put(
        "strftime_now",
        (Callable)
            (arguments, _) ->
                TimeFormat.format(
                    request.now(),
                    arguments.isEmpty() ? "" : String.valueOf(arguments.getFirst())));
    variables.put("messages", plain(request.messages()));
    variables.put("tools", plain(request.tools()));
    variables.put("documents", null);
    variables.put("add_generation_prompt", request.addGenerationPrompt());
    variables.put("bos_token", request.bosToken());
    variables.put("eos_token", request.eosToken());
    request.extra().forEach((name, value) -> variables.put(name, plain(value)));
    try {
      return (request.tools() == null ? usual : toolUse).render(variables);
    } catch (JinjaException e) {
      throw new ChatTemplateException(String.valueOf(e.getMessage()), e);
    }
  }

  /** The value with all integers as Long where they fit, all fractions as Double, deeply. */
  private static @Nullable Object plain(@Nullable Object value) {
    return switch (value) {
      case null -> null;
      case Double d -> d;
      case Float f -> (double) f;
      case java.math.BigDecimal decimal -> decimal.doubleValue();
      case BigInteger large -> large.bitLength() < Long.SIZE ? (Object) large.longValue() : large;
      case Number number -> number.longValue();
      case List<?> list -> {
        List<@Nullable Object> items = new ArrayList<>(list.size());
        for (Object item : list) {
          items.add(plain(item));
        }
        yield items;
      }
      case Map<?, ?> map -> {
        Map<@Nullable Object, @Nullable Object> entries = new LinkedHashMap<>();
        map.forEach((key, item) -> entries.put(key, plain(item)));
        yield entries;
      }
      default -> value;
    };
  }
}
