package dev.quire.server;

import dev.quire.engine.TokenLogprobs;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Log-probabilities as the two endpoints write them. */
final class LogprobJson {
  // JSON has no infinity; what cannot be generated at all is written as this.
  private static final double LEAST = -9999;

  private final Tokenizer tokenizer;

  LogprobJson(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  private String text(int token) {
    return tokenizer.decode(new int[] {token}, false);
  }

  private static double finite(double logprob) {
    return Double.isNaN(logprob) ? LEAST : Math.max(LEAST, logprob);
  }

  /** {@code logprobs} of a chat's choice. */
  void chat(ObjectNode choice, List<TokenLogprobs> tokens, int top) {
    ArrayNode content = choice.putObject("logprobs").putArray("content");
    for (TokenLogprobs token : tokens) {
      ObjectNode entry = content.addObject();
      candidate(entry, token.tokenId(), token.logprob());
      ArrayNode list = entry.putArray("top_logprobs");
      for (TokenLogprobs.Candidate c : token.top().stream().limit(top).toList()) {
        candidate(list.addObject(), c.tokenId(), c.logprob());
      }
    }
  }

  /**
   * {@code prompt_logprobs}, as vLLM has it: for each token of the prompt an object of token ids,
   * its own first; null for the prompt's first token.
   */
  void prompt(ObjectNode parent, List<TokenLogprobs> tokens) {
    ArrayNode list = parent.putArray("prompt_logprobs");
    list.addNull();
    for (TokenLogprobs token : tokens) {
      ObjectNode entry = list.addObject();
      ranked(entry, token.tokenId(), token.logprob(), token.rank());
      for (int i = 0; i < token.top().size(); i++) {
        TokenLogprobs.Candidate c = token.top().get(i);
        if (c.tokenId() != token.tokenId()) {
          ranked(entry, c.tokenId(), c.logprob(), i + 1);
        }
      }
    }
  }

  private void ranked(ObjectNode parent, int token, double logprob, int rank) {
    ObjectNode entry = parent.putObject(Integer.toString(token));
    entry.put("logprob", finite(logprob));
    entry.put("rank", rank);
    entry.put("decoded_token", text(token));
  }

  private void candidate(ObjectNode entry, int token, double logprob) {
    entry.put("token", text(token));
    entry.put("logprob", finite(logprob));
    ArrayNode bytes = entry.putArray("bytes");
    for (byte b : tokenizer.tokenBytes(token)) {
      bytes.add(b & 0xFF);
    }
  }

  /**
   * {@code logprobs} of a completion's choice.
   *
   * @param echoed the prompt's tokens where they are repeated; the first has no log-probability
   * @param most alternatives of a token
   * @param offset characters that came before, in a stream
   * @return characters up to the end
   */
  int completion(
      ObjectNode choice,
      List<Integer> echoed,
      List<TokenLogprobs> echoedLogprobs,
      List<TokenLogprobs> tokens,
      int most,
      int offset) {
    ObjectNode node = choice.putObject("logprobs");
    ArrayNode texts = node.putArray("tokens");
    ArrayNode values = node.putArray("token_logprobs");
    ArrayNode tops = node.putArray("top_logprobs");
    ArrayNode offsets = node.putArray("text_offset");
    int at = offset;
    if (!echoed.isEmpty()) {
      String first = text(echoed.getFirst());
      texts.add(first);
      values.addNull();
      tops.addNull();
      offsets.add(at);
      at += first.length();
    }
    for (TokenLogprobs token :
        java.util.stream.Stream.concat(echoedLogprobs.stream(), tokens.stream()).toList()) {
      String text = text(token.tokenId());
      texts.add(text);
      values.add(finite(token.logprob()));
      ObjectNode top = tops.addObject();
      token.top().stream()
          .limit(most)
          .forEach(c -> top.put(text(c.tokenId()), finite(c.logprob())));
      // The token itself is there whether it is one of the most probable or not, as OpenAI says.
      if (!top.has(text)) {
        top.put(text, finite(token.logprob()));
      }
      offsets.add(at);
      at += text.length();
    }
    return at;
  }
}
