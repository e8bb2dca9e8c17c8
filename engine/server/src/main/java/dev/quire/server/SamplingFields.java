package dev.quire.server;

import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** The fields of a request that say how tokens are chosen, by OpenAI's names and vLLM's. */
final class SamplingFields {
  private SamplingFields() {}

  static SamplingParams of(RequestBody body, int maxTokens) {
    try {
      return SamplingParams.builder()
          .n(body.integer("n", 1))
          .maxTokens(maxTokens)
          .minTokens(body.integer("min_tokens", 0))
          .temperature(body.number("temperature", 1))
          .topP(body.number("top_p", 1))
          .topK(Math.max(0, body.integer("top_k", 0))) // vLLM's clients write -1 for all
          .minP(body.number("min_p", 0))
          .seed(body.optionalLong("seed"))
          .presencePenalty(body.number("presence_penalty", 0))
          .frequencyPenalty(body.number("frequency_penalty", 0))
          .repetitionPenalty(body.number("repetition_penalty", 1))
          .stop(body.strings("stop"))
          .includeStopString(body.flag("include_stop_str_in_output", false))
          .stopTokenIds(integers(body, "stop_token_ids"))
          .ignoreEos(body.flag("ignore_eos", false))
          .logitBias(logitBias(body))
          .build();
    } catch (QuireException e) {
      throw ApiException.invalid(String.valueOf(e.getMessage()), null);
    }
  }

  private static List<Integer> integers(RequestBody body, String field) {
    List<Integer> values = new ArrayList<>();
    JsonNode node = body.get(field);
    if (node != null) {
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
    if (node != null) {
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        try {
          biases.put(Integer.parseInt(entry.getKey()), entry.getValue().floatValue());
        } catch (RuntimeException e) {
          throw ApiException.invalid("logit_bias must map token ids to numbers", "logit_bias");
        }
      }
    }
    return biases;
  }
}
