package dev.quire.engine;

import dev.quire.tokenizer.StreamingDecoder;
import dev.quire.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes events of a request's tokens, on a virtual thread of its own: decodes, looks for stop
 * strings, and tells the engine where one was found. Tokens that come after that are dropped.
 */
final class OutputAssembler implements Runnable {
  /** Tells the engine thread that a sample's text is complete. */
  @FunctionalInterface
  interface StopReport {
    void stop(ActiveRequest.Sample sample);
  }

  private final ActiveRequest request;
  private final RequestHandle handle;
  private final StopReport stopReport;
  private final boolean decodes;
  private final SampleText[] texts;
  private List<TokenLogprobs> promptLogprobs = List.of();
  private @Nullable QuireException failure;

  /** The text of one sample so far. */
  private static final class SampleText {
    final @Nullable StreamingDecoder decoder;
    final StopMatcher matcher;
    final StringBuilder text = new StringBuilder();
    final List<Integer> tokens = new ArrayList<>();
    final List<TokenLogprobs> logprobs = new ArrayList<>();
    int emittedTokens;
    int emittedLogprobs;
    TokenStream.@Nullable Finish finish;

    SampleText(@Nullable Tokenizer tokenizer, SamplingParams params) {
      decoder = tokenizer == null ? null : tokenizer.streamingDecoder(params.skipSpecialTokens());
      matcher = new StopMatcher(params.stop(), params.includeStopString());
    }
  }

  OutputAssembler(
      ActiveRequest request,
      RequestHandle handle,
      @Nullable Tokenizer tokenizer,
      StopReport stopReport) {
    this.request = request;
    this.handle = handle;
    this.stopReport = stopReport;
    this.decodes = tokenizer != null;
    this.texts = new SampleText[request.params.n()];
    Arrays.setAll(texts, i -> new SampleText(tokenizer, request.params));
  }

  @Override
  public void run() {
    int live = texts.length;
    TokenStream.Entries entries = new TokenStream.Entries();
    while (live > 0) {
      entries = request.stream.take(entries);
      for (int i = 0; i < entries.size; i++) {
        live -= entries.kinds[i] == TokenStream.Kind.FINISHED ? 1 : 0;
        try {
          handle(entries, i);
        } catch (RuntimeException e) {
          fail(e);
        }
      }
      entries.clear();
    }
    if (failure != null) {
      handle.fail(failure);
    } else {
      handle.complete(generation());
    }
  }

  /** A listener or the decoder threw: the request has no use any more. */
  private void fail(RuntimeException cause) {
    if (failure == null) {
      failure =
          cause instanceof QuireException known
              ? known
              : new QuireException(
                  QuireException.Kind.FAILED, "the request's output failed: " + cause, cause);
      handle.cancel();
    }
  }

  @SuppressWarnings("unchecked") // the note of a scored prompt is always this list
  private void handle(TokenStream.Entries entries, int i) {
    SampleText sample = texts[entries.samples[i]];
    Object note = entries.notes[i];
    switch (entries.kinds[i]) {
      case PROMPT_SCORED -> {
        promptLogprobs = List.copyOf((List<TokenLogprobs>) Objects.requireNonNull(note));
        handle.emit(new GenerationEvent.PromptScored(promptLogprobs));
      }
      case TOKEN, ENDING_TOKEN -> {
        if (sample.matcher.matched() == null) {
          boolean ending = entries.kinds[i] == TokenStream.Kind.ENDING_TOKEN;
          accept(sample, entries.samples[i], entries.tokens[i], ending, (TokenLogprobs) note);
        }
      }
      case FINISHED ->
          finish(sample, entries.samples[i], Objects.requireNonNull((TokenStream.Finish) note));
    }
  }

  private void accept(
      SampleText sample, int index, int token, boolean ending, @Nullable TokenLogprobs logprobs) {
    sample.tokens.add(token);
    if (logprobs != null) {
      sample.logprobs.add(logprobs);
    }
    boolean silent =
        ending
            && !(request.params.includeStopString()
                && request.params.stopTokenIds().contains(token));
    if (sample.decoder == null || silent) {
      if (!decodes) {
        emit(sample, index, "");
      }
      return;
    }
    boolean mayStop = sample.tokens.size() >= request.params.minTokens();
    String text = sample.matcher.accept(sample.decoder.accept(token), mayStop);
    if (!text.isEmpty()) {
      emit(sample, index, text);
    }
    if (sample.matcher.matched() != null) {
      stopReport.stop(request.samples.get(index));
    }
  }

  private void emit(SampleText sample, int index, String text) {
    sample.text.append(text);
    handle.emit(
        new GenerationEvent.Text(
            index,
            text,
            sample.tokens.subList(sample.emittedTokens, sample.tokens.size()),
            sample.logprobs.subList(sample.emittedLogprobs, sample.logprobs.size())));
    sample.emittedTokens = sample.tokens.size();
    sample.emittedLogprobs = sample.logprobs.size();
  }

  private void finish(SampleText sample, int index, TokenStream.Finish finish) {
    String matched = sample.matcher.matched();
    if (matched == null) {
      String rest =
          sample.decoder == null
              ? ""
              : sample.matcher.accept(sample.decoder.finish(), true) + sample.matcher.finish();
      if (!rest.isEmpty() || sample.emittedTokens < sample.tokens.size()) {
        emit(sample, index, rest);
      }
      sample.finish = finish;
    } else {
      if (sample.emittedTokens < sample.tokens.size()) {
        emit(sample, index, "");
      }
      sample.finish =
          new TokenStream.Finish(
              FinishReason.STOP, matched, withTokens(finish.usage(), sample.tokens.size()));
    }
    TokenStream.Finish end = sample.finish;
    if (end.reason() == FinishReason.ERROR && failure == null) {
      failure =
          new QuireException(
              QuireException.Kind.FAILED, Objects.requireNonNullElse(end.detail(), "failed"));
    }
    handle.emit(new GenerationEvent.Finished(index, end.reason(), end.detail(), end.usage()));
  }

  private static Usage withTokens(Usage u, int tokens) {
    return new Usage(
        u.promptTokens(),
        u.cachedTokens(),
        tokens,
        u.peakBlocks(),
        u.preemptions(),
        u.queued(),
        u.prefill(),
        u.decode());
  }

  private Generation generation() {
    List<Generation.Output> outputs = new ArrayList<>();
    int tokens = 0;
    int blocks = 0;
    int preemptions = 0;
    Usage longest = null;
    for (int i = 0; i < texts.length; i++) {
      SampleText sample = texts[i];
      TokenStream.Finish finish = Objects.requireNonNull(sample.finish);
      outputs.add(
          new Generation.Output(
              i,
              sample.text.toString(),
              sample.tokens,
              sample.logprobs,
              finish.reason(),
              finish.detail()));
      Usage usage = finish.usage();
      tokens += usage.completionTokens();
      blocks += usage.peakBlocks();
      preemptions = Math.max(preemptions, usage.preemptions());
      if (longest == null || end(usage).compareTo(end(longest)) > 0) {
        longest = usage;
      }
    }
    Usage last = Objects.requireNonNull(longest);
    Usage total =
        new Usage(
            last.promptTokens(),
            last.cachedTokens(),
            tokens,
            blocks,
            preemptions,
            last.queued(),
            last.prefill(),
            last.decode());
    return new Generation(
        outputs,
        Arrays.stream(request.prompt).boxed().toList(),
        promptLogprobs,
        request.seed,
        total);
  }

  private static Duration end(Usage usage) {
    return usage.timeToFirstToken().plus(usage.decode());
  }
}
