package dev.quire.tests.fuzz;

import java.util.List;
import java.util.function.IntUnaryOperator;

/** Requests that are almost right: fields of wrong types and extreme values, broken JSON. */
final class AlmostRequests {
  private static final List<String> PATHS =
      List.of(
          "/v1/completions",
          "/v1/chat/completions",
          "/v1/responses",
          "/v1/embeddings",
          "/tokenize",
          "/detokenize");
  private static final List<String> FIELDS =
      List.of(
          "prompt",
          "messages",
          "input",
          "max_tokens",
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "n",
          "best_of",
          "seed",
          "stop",
          "stop_token_ids",
          "logprobs",
          "top_logprobs",
          "echo",
          "stream",
          "stream_options",
          "logit_bias",
          "presence_penalty",
          "frequency_penalty",
          "repetition_penalty",
          "min_tokens",
          "allowed_token_ids",
          "bad_words",
          "tools",
          "tool_choice",
          "response_format",
          "regex",
          "grammar",
          "choice",
          "structured_outputs",
          "timeout",
          "priority",
          "cache_salt",
          "tokens",
          "dimensions",
          "encoding_format",
          "pooling",
          "use_beam_search",
          "length_penalty",
          "early_stopping",
          "chat_template_kwargs",
          "text",
          "instructions",
          "suffix",
          "ignore_eos",
          "prompt_logprobs",
          "typical_p",
          "skip_special_tokens",
          "max_completion_tokens",
          "max_output_tokens",
          "stream",
          "n",
          "model",
          "add_special_tokens",
          "guided_json",
          "metadata",
          "parallel_tool_calls");
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "1",
          "-1",
          "2",
          "0.5",
          "1e400",
          "-7",
          "99999999999999999999",
          "\"\"",
          "\"a\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "[]",
          "{}",
          "[[]]",
          "[1]",
          "[1,2,3]",
          "[-1]",
          "[999999]",
          "[\"a\",\"b\"]",
          "[\"\"]",
          "{\"1\":100}",
          "{\"-1\":1}",
          "{\"x\":1}",
          "\"auto\"",
          "\"required\"",
          "\"none\"",
          "{\"type\":\"json_object\"}",
          "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"integer\"}}}",
          "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"$ref\":\"#\"}}}",
          "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"array\",\"minItems\":99999}}}",
          "\"(a|b)*c{2,3}\"",
          "\"[z-a]\"",
          "\"(((\"",
          "\"root ::= \\\"a\\\" root | \\\"b\\\"\"",
          "\"root ::= x\"",
          "[{\"role\":\"user\",\"content\":\"hi\"}]",
          "[{\"role\":7}]",
          "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]",
          "[{\"role\":\"assistant\",\"tool_calls\":[{}]}]",
          "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]",
          "[{\"type\":\"function\"}]",
          "{\"include_usage\":true}",
          "{\"json\":{\"enum\":[]}}",
          "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"not\":{}}}}",
          "{\"json\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}}",
          "{\"json\":{\"type\":\"string\",\"pattern\":\"^(a+)+$\",\"maxLength\":3}}",
          "{\"regex\":\"a{0,100000}\"}",
          "{\"grammar\":\"root ::= root root\"}",
          "\"\\u00e9\\ud83d\\ude00\"",
          "1e-400",
          "-0.0",
          "2147483648",
          "128",
          "[{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}]",
          "[{\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":\"x\"}]");

  private AlmostRequests() {}

  /**
   * @param pick gives a number below its argument
   */
  static String path(IntUnaryOperator pick) {
    return PATHS.get(pick.applyAsInt(PATHS.size()));
  }

  /** A body; the picks decide what is wrong with it. */
  static String body(IntUnaryOperator pick) {
    StringBuilder json = new StringBuilder("{\"max_tokens\":4");
    if (pick.applyAsInt(4) > 0) {
      json.append(",\"prompt\":\"ROMEO:\",\"input\":\"love\"");
      json.append(",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]");
    }
    int fields = pick.applyAsInt(4);
    for (int i = 0; i < fields; i++) {
      json.append(",\"")
          .append(FIELDS.get(pick.applyAsInt(FIELDS.size())))
          .append("\":")
          .append(VALUES.get(pick.applyAsInt(VALUES.size())));
    }
    json.append('}');
    if (pick.applyAsInt(6) == 1) {
      json.setCharAt(pick.applyAsInt(json.length()), (char) (32 + pick.applyAsInt(200)));
    }
    if (pick.applyAsInt(12) == 1) {
      json.setLength(pick.applyAsInt(json.length()));
    }
    if (pick.applyAsInt(40) == 1) {
      return "[".repeat(50_000);
    }
    return json.toString();
  }
}
