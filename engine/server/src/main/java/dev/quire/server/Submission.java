package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.QuireException;
import dev.quire.engine.RequestHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** The engine's requests behind one HTTP request: one for each of its prompts. */
final class Submission {
  /** An event of one of the prompts, or its end where the event is null. */
  record Arrival(int prompt, @Nullable GenerationEvent event, @Nullable Throwable failure) {}

  private final List<RequestHandle> handles = new ArrayList<>();
  private final BlockingQueue<Arrival> arrivals = new LinkedBlockingQueue<>();
  private final Call call;
  private int open;

  private Submission(Call call) {
    this.call = call;
  }

  /**
   * Submits all, or none where one is refused.
   *
   * @throws QuireException of the engine, for the first one that it refuses
   */
  static Submission start(Engine engine, List<GenerationRequest> requests, Call call) {
    var submission = new Submission(call);
    call.entry().onCancel(submission::cancel);
    try {
      for (int i = 0; i < requests.size(); i++) {
        submission.add(engine, i, requests.get(i));
      }
    } catch (RuntimeException e) {
      submission.cancel();
      throw e;
    }
    if (call.entry().reason() != null) {
      submission.cancel();
    }
    return submission;
  }

  private void add(Engine engine, int prompt, GenerationRequest request) {
    RequestHandle handle =
        engine.submit(request, event -> arrivals.add(new Arrival(prompt, event, null)));
    synchronized (handles) {
      handles.add(handle);
    }
    open++;
    // Nothing can go wrong in adding to the queue, so nobody has to see how it ended.
    var _ =
        handle
            .completion()
            .whenComplete((_, failure) -> arrivals.add(new Arrival(prompt, null, failure)));
  }

  /** The first one's number, for the answer's id. */
  long id() {
    return handles.getFirst().id();
  }

  void cancel() {
    synchronized (handles) {
      handles.forEach(RequestHandle::cancel);
    }
  }

  /** The next event of any prompt; null once all have ended. */
  @Nullable Arrival next() {
    while (open > 0) {
      Arrival arrival;
      try {
        arrival = arrivals.take();
      } catch (InterruptedException e) {
        cancel();
        Thread.currentThread().interrupt();
        throw ApiException.stopping();
      }
      if (arrival.event() != null) {
        note(arrival.event());
        return arrival;
      }
      open--;
      Throwable failure = arrival.failure();
      if (failure != null) {
        cancel();
        throw failure(failure);
      }
    }
    return null;
  }

  private void note(GenerationEvent event) {
    switch (event) {
      case GenerationEvent.Text text when call.report().samples == 1 && handles.size() == 1 ->
          call.report().tokensNow(text.tokenIds().size());
      case GenerationEvent.Finished end -> {
        call.report().finishReasons.add(Finish.reason(end.reason()));
        if (end.reason() == FinishReason.CANCELLED) {
          throw call.cancelled();
        }
      }
      default -> {
        // Nothing to note.
      }
    }
  }

  private static RuntimeException failure(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof QuireException known
        ? ApiException.of(known)
        : new ApiException(500, "server_error", String.valueOf(cause.getMessage()), null, null);
  }

  /**
   * Waits for all.
   *
   * @throws ApiException where one failed or was cancelled
   */
  List<Generation> await() {
    while (next() != null) {
      // Events are for streams; here they are only noted.
    }
    return results();
  }

  /** The results of all, once {@link #next} has given null. */
  List<Generation> results() {
    List<Generation> done = new ArrayList<>();
    for (RequestHandle handle : handles) {
      Generation generation = handle.await();
      call.report().usages.add(generation.usage());
      done.add(generation);
    }
    return done;
  }
}
