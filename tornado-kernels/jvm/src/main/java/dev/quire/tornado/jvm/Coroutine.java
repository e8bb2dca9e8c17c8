package dev.quire.tornado.jvm;

/** Code that can be left in the middle and gone on with later, by one thread at a time. */
interface Coroutine {
  /** Runs the body until it suspends or ends. */
  void resume();

  /** Called from inside the body: goes back to whoever resumed it. */
  void suspend();

  /** The fastest kind that this JVM offers. */
  static Coroutine of(Runnable body) {
    return ContinuationCoroutine.available()
        ? new ContinuationCoroutine(body)
        : new ThreadCoroutine(body);
  }
}
