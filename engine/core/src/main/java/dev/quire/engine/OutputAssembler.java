package dev.quire.engine;

import dev.quire.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes events of a request's tokens, on a virtual thread of its own, and tells the engine where a
 * stop string ended a sample. Tokens that come after that are dropped. Ranked samples are held back
 * until all have ended.
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
  private final boolean ranked;
  private final SampleText[] texts;
  private List<TokenLogprobs> promptLogprobs = List.of();
  private @Nullable QuireException failure;

  OutputAssembler(
      ActiveRequest request,
      RequestHandle handle,
      @Nullable Tokenizer tokenizer,
      StopReport stopReport) {
    this.request = request;
    this.handle = handle;
    this.stopReport = stopReport;
    this.ranked = request.params.ranked();
    this.texts = new SampleText[request.params.bestOf()];
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
    List<SampleText> outputs = outputs();
    if (ranked && failure == null) {
      try {
        emitRanked(outputs);
      } catch (RuntimeException e) {
        fail(e);
      }
    }
    if (failure != null) {
      handle.fail(failure);
    } else {
      handle.complete(generation(outputs));
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
    int index = entries.samples[i];
    SampleText sample = texts[index];
    Object note = entries.notes[i];
    switch (entries.kinds[i]) {
      case PROMPT_SCORED -> {
        promptLogprobs = List.copyOf((List<TokenLogprobs>) Objects.requireNonNull(note));
        handle.emit(new GenerationEvent.PromptScored(promptLogprobs));
      }
      case TOKEN, ENDING_TOKEN -> {
        boolean ending = entries.kinds[i] == TokenStream.Kind.ENDING_TOKEN;
        boolean stopped = sample.accept(entries.tokens[i], ending, (TokenLogprobs) note);
        if (!ranked && sample.hasNews()) {
          handle.emit(sample.drain(index));
        }
        if (stopped) {
          stopReport.stop(request.samples.get(index));
        }
      }
      case FINISHED -> {
        if (note != null) {
          finish(sample, index, (TokenStream.Finish) note);
        }
      }
    }
  }

  private void finish(SampleText sample, int index, TokenStream.Finish finish) {
    sample.finish(finish);
    TokenStream.Finish end = Objects.requireNonNull(sample.finish());
    if (end.reason() == FinishReason.ERROR && failure == null) {
      failure =
          new QuireException(
              QuireException.Kind.FAILED, Objects.requireNonNullElse(end.detail(), "failed"));
    }
    if (!ranked) {
      emitEnd(sample, index, end);
    }
  }

  private void emitEnd(SampleText sample, int index, TokenStream.Finish end) {
    if (sample.hasNews() || sample.hasTokens()) {
      handle.emit(sample.drain(index));
    }
    handle.emit(new GenerationEvent.Finished(index, end.reason(), end.detail(), end.usage()));
  }

  private void emitRanked(List<SampleText> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      emitEnd(outputs.get(i), i, Objects.requireNonNull(outputs.get(i).finish()));
    }
  }

  /** The samples that are given out, in order; a beam search has sorted its own. */
  private List<SampleText> outputs() {
    List<SampleText> outputs = new ArrayList<>();
    for (SampleText sample : texts) {
      if (sample.finish() != null) {
        outputs.add(sample);
      }
    }
    if (ranked && request.params.beamSearch() == null) {
      outputs.sort(Comparator.comparingDouble(SampleText::meanLogprob).reversed());
      return outputs.subList(0, request.params.n());
    }
    return outputs;
  }

  private Generation generation(List<SampleText> chosen) {
    List<Generation.Output> outputs = new ArrayList<>();
    for (int i = 0; i < chosen.size(); i++) {
      SampleText sample = chosen.get(i);
      outputs.add(sample.output(i, Objects.requireNonNull(sample.finish())));
    }
    return new Generation(
        outputs,
        Arrays.stream(request.prompt).boxed().toList(),
        promptLogprobs,
        request.seed,
        totalUsage());
  }

  /** The work of all samples, in the time that the last one took. */
  private Usage totalUsage() {
    int tokens = 0;
    int blocks = 0;
    int preemptions = 0;
    Usage longest = null;
    for (SampleText sample : texts) {
      TokenStream.Finish finish = sample.finish();
      if (finish == null) {
        continue;
      }
      Usage usage = finish.usage();
      tokens += usage.completionTokens();
      blocks += usage.peakBlocks();
      preemptions = Math.max(preemptions, usage.preemptions());
      if (longest == null || end(usage).compareTo(end(longest)) > 0) {
        longest = usage;
      }
    }
    Usage last = Objects.requireNonNull(longest);
    return new Usage(
        last.promptTokens(),
        last.cachedTokens(),
        tokens,
        blocks,
        preemptions,
        last.queued(),
        last.prefill(),
        last.decode());
  }

  private static Duration end(Usage usage) {
    return usage.timeToFirstToken().plus(usage.decode());
  }
}
