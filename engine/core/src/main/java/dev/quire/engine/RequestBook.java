package dev.quire.engine;

import dev.quire.engine.ActiveRequest.Sample;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.Sequence;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The requests in the engine: starts and ends them, and wakes their readers. */
final class RequestBook {
  private final Scheduler scheduler;
  private final StepClock clock;
  private final Inbox inbox;
  private final Set<ActiveRequest> active = new LinkedHashSet<>();
  private final List<ActiveRequest> touched = new ArrayList<>();

  RequestBook(Scheduler scheduler, StepClock clock, Inbox inbox) {
    this.scheduler = scheduler;
    this.clock = clock;
    this.inbox = inbox;
  }

  void add(ActiveRequest request) {
    active.add(request);
    clock.submitted++;
  }

  /** All that have not ended, in the order of arrival. */
  List<ActiveRequest> active() {
    return List.copyOf(active);
  }

  /** A request is in a step. */
  void start(ActiveRequest request) {
    if (!request.started) {
      request.started = true;
      request.startedNanos = System.nanoTime();
      inbox.leaveQueue();
    }
  }

  /** Ends a request with what it has; a beam search without hypotheses. */
  void finish(ActiveRequest request, FinishReason reason, @Nullable String detail) {
    BeamRun beams = request.beams;
    if (beams == null) {
      for (Sample sample : request.samples) {
        finish(sample, reason, detail);
      }
    } else if (request.live > 0) {
      beams.end(request.stream, reason, detail, System.nanoTime());
      endSearch(request);
    }
  }

  /** Ends a beam search with its hypotheses. */
  void finishSearch(ActiveRequest request, BeamRun beams) {
    beams.emit(request.stream, System.nanoTime());
    endSearch(request);
  }

  private void endSearch(ActiveRequest request) {
    for (Sequence s : List.copyOf(request.group.sequences())) {
      scheduler.finish(s);
    }
    request.live = 0;
    touch(request);
    leave(request, request.group.sequences().getFirst().cachedTokens());
  }

  void finish(Sample sample, FinishReason reason, @Nullable String detail) {
    if (sample.done) {
      return;
    }
    sample.done = true;
    ActiveRequest request = sample.request;
    scheduler.finish(sample.sequence);
    Usage usage = request.usage(sample, System.nanoTime());
    request.stream.finished(sample.index, TokenStream.Finish.of(reason, detail, usage));
    touch(request);
    if (--request.live == 0) {
      leave(request, usage.cachedTokens());
    }
  }

  private void leave(ActiveRequest request, int cachedTokens) {
    active.remove(request);
    clock.finished++;
    clock.cachedTokens += cachedTokens;
    if (!request.started) {
      inbox.leaveQueue();
    }
  }

  /** Notes that a request's stream has new entries. */
  void touch(ActiveRequest request) {
    if (!request.touched) {
      request.touched = true;
      touched.add(request);
    }
  }

  /** Requests whose readers are to be woken. */
  int news() {
    return touched.size();
  }

  /** Wakes the readers of what changed. */
  void publish() {
    for (int i = 0; i < touched.size(); i++) {
      touched.get(i).touched = false;
      touched.get(i).stream.publish();
    }
    touched.clear();
  }
}
