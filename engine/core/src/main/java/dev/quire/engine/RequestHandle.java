package dev.quire.engine;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A request under way. Usable from any thread; {@link #events()} has one reader. */
public final class RequestHandle {
  private final long id;
  private final Runnable canceller;
  private final @Nullable Consumer<GenerationEvent> listener;
  private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
  private final CompletableFuture<Generation> completion = new CompletableFuture<>();

  /** What the queue carries: an event, or null for the end. */
  private record Signal(@Nullable GenerationEvent event) {}

  RequestHandle(long id, Runnable canceller, @Nullable Consumer<GenerationEvent> listener) {
    this.id = id;
    this.canceller = canceller;
    this.listener = listener;
  }

  /** Numbers the engine's requests in the order of submission. */
  public long id() {
    return id;
  }

  /**
   * The events as they come; iterating waits for them and ends with the request. Empty where the
   * request was submitted with a listener, which gets them instead.
   *
   * @throws QuireException from the iterator, if the thread is interrupted; the request is then
   *     cancelled
   */
  public Iterable<GenerationEvent> events() {
    return () -> new EventIterator(this);
  }

  /**
   * Ends the request within one step; its samples finish as {@link FinishReason#CANCELLED}. Nothing
   * happens if it has ended.
   */
  public void cancel() {
    canceller.run();
  }

  /** Completes with the request. A failed request completes with a {@link QuireException}. */
  public CompletableFuture<Generation> completion() {
    return completion.copy();
  }

  /**
   * Waits for the request's end.
   *
   * @throws QuireException if the engine failed, or if the thread was interrupted; the request is
   *     then cancelled
   */
  public Generation await() {
    try {
      return completion.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof QuireException cause) {
        throw cause;
      }
      throw new QuireException(QuireException.Kind.FAILED, "the request failed", e.getCause());
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private QuireException interrupted(InterruptedException e) {
    cancel();
    Thread.currentThread().interrupt();
    return new QuireException(
        QuireException.Kind.INTERRUPTED, "interrupted while waiting for a request", e);
  }

  void emit(GenerationEvent event) {
    if (listener != null) {
      listener.accept(event);
    } else {
      signals.add(new Signal(event));
    }
  }

  void complete(Generation generation) {
    signals.add(new Signal(null));
    completion.complete(generation);
  }

  void fail(QuireException failure) {
    signals.add(new Signal(null));
    completion.completeExceptionally(failure);
  }

  private static final class EventIterator implements Iterator<GenerationEvent> {
    private final RequestHandle handle;
    private @Nullable Signal next;

    EventIterator(RequestHandle handle) {
      this.handle = handle;
    }

    @Override
    public boolean hasNext() {
      return peek().event() != null;
    }

    @Override
    public GenerationEvent next() {
      GenerationEvent event = peek().event();
      if (event == null) {
        throw new NoSuchElementException();
      }
      next = null;
      return event;
    }

    private Signal peek() {
      Signal signal = next;
      if (signal == null) {
        try {
          signal = handle.signals.take();
        } catch (InterruptedException e) {
          throw handle.interrupted(e);
        }
        if (signal.event() == null) {
          handle.signals.add(signal); // a second iterator ends, too
        }
        next = signal;
      }
      return signal;
    }
  }
}
