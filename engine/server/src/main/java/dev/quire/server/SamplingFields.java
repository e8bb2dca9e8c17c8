package dev.quire.server;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.BeamSearch.EarlyStopping;
import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingDefaults;
import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** The fields of a request that say how tokens are chosen, by OpenAI's names and vLLM's. */
final class SamplingFields {
  /** The most alternatives of a token. */
  static final int MOST_LOGPROBS = 20;

  private static final int MOST_SAMPLES = 128;

  private SamplingFields() {}

  /**
   * @param own what the model says where the request does not
   * @param logprobs −1 for none
   * @param promptLogprobs −1 for none
   */
  static SamplingParams of(
      SamplingDefaults own, RequestBody body, int maxTokens, int logprobs, int promptLogprobs) {
    int n = body.integer("n", 1);
    int bestOf = body.integer("best_of", n);
    if (Math.max(n, bestOf) > MOST_SAMPLES) {
      throw ApiException.invalid("n and best_of must be at most " + MOST_SAMPLES, "n");
    }
    try {
      SamplingParams.Builder params =
          SamplingParams.builder()
              .n(n)
              .maxTokens(maxTokens)
              .minTokens(body.integer("min_tokens", 0))
              .temperature(body.number("temperature", own.temperature(1)))
              .topP(body.number("top_p", own.topP(1)))
              .topK(
                  Math.max(
                      0, body.integer("top_k", own.topK(0)))) // vLLM's clients write -1 for all
              .minP(body.number("min_p", own.minP(0)))
              .typicalP(body.number("typical_p", own.typicalP(1)))
              .seed(body.optionalLong("seed"))
              .presencePenalty(body.number("presence_penalty", 0))
              .frequencyPenalty(body.number("frequency_penalty", 0))
              .repetitionPenalty(body.number("repetition_penalty", own.repetitionPenalty(1)))
              .stop(body.strings("stop"))
              .includeStopString(body.flag("include_stop_str_in_output", false))
              .stopTokenIds(integers(body, "stop_token_ids"))
              .ignoreEos(body.flag("ignore_eos", false))
              .logprobs(logprobs)
              .promptLogprobs(promptLogprobs)
              .allowedTokenIds(integers(body, "allowed_token_ids"))
              .badWords(body.strings("bad_words"))
              .skipSpecialTokens(body.flag("skip_special_tokens", true))
              .logitBias(logitBias(body));
      if (body.flag("use_beam_search", false)) {
        params.beamSearch(
            new BeamSearch(bestOf, body.number("length_penalty", 1), earlyStopping(body)));
      } else {
        params.bestOf(bestOf);
      }
      return params.build();
    } catch (QuireException e) {
      throw ApiException.of(e);
    }
  }

  /** As Hugging Face's {@code generate} has it: true, false or "never". */
  private static EarlyStopping earlyStopping(RequestBody body) {
    JsonNode node = body.get("early_stopping");
    if (node != null && node.isString() && node.stringValue().equals("never")) {
      return EarlyStopping.NEVER;
    }
    if (node != null && !node.isBoolean()) {
      throw ApiException.invalid(
          "early_stopping must be true, false or \"never\"", "early_stopping");
    }
    return body.flag("early_stopping", false)
        ? EarlyStopping.FIRST_FINISHED
        : EarlyStopping.HEURISTIC;
  }

  /**
   * How many alternatives of each of the prompt's tokens are wanted; −1 for none.
   *
   * @param stream whether the answer is a stream, which has no place for them
   */
  static int promptLogprobs(RequestBody body, boolean stream) {
    int wanted = body.integer("prompt_logprobs", -1);
    if (wanted > MOST_LOGPROBS || wanted < -1) {
      throw ApiException.invalid(
          "prompt_logprobs must be in [0, " + MOST_LOGPROBS + "]", "prompt_logprobs");
    }
    if (wanted >= 0 && stream) {
      throw ApiException.invalid("prompt_logprobs go without stream", "prompt_logprobs");
    }
    return wanted;
  }

  private static List<Integer> integers(RequestBody body, String field) {
    List<Integer> values = new ArrayList<>();
    JsonNode node = body.get(field);
    if (node != null) {
      if (!node.isArray()) {
        throw ApiException.invalid(field + " must be an array of token ids", field);
      }
      for (JsonNode item : node) {
        if (!item.isInt()) {
          throw ApiException.invalid(field + " must be an array of token ids", field);
        }
        values.add(item.intValue());
      }
    }
    return values;
  }

  private static Map<Integer, Float> logitBias(RequestBody body) {
    Map<Integer, Float> biases = new HashMap<>();
    JsonNode node = body.get("logit_bias");
    if (node == null) {
      return biases;
    }
    if (!node.isObject()) {
      throw ApiException.invalid("logit_bias must map token ids to numbers", "logit_bias");
    }
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      if (!entry.getValue().isNumber()) {
        throw ApiException.invalid("logit_bias must map token ids to numbers", "logit_bias");
      }
      try {
        biases.put(Integer.parseInt(entry.getKey()), entry.getValue().floatValue());
      } catch (RuntimeException e) {
        throw ApiException.invalid("logit_bias must map token ids to numbers", "logit_bias");
      }
    }
    return biases;
  }
}
