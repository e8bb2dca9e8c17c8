package dev.quire.tornado.jvm;

/** Code that can be left in the middle and gone on with later, by one thread at a time. */
interface Coroutine {
  /** Runs the body until it suspends or ends. */
  void resume();

  /** Called from inside the body: goes back to whoever resumed it. */
  void suspend();

  /** The fastest kind that this JVM offers. */
  static Coroutine of(Runnable body) {
    if (ContinuationCoroutine.available()) {
      return new ContinuationCoroutine(body);
    }
    Slow.say();
    return new ThreadCoroutine(body);
  }

  /** Says once, as it is initialised, that the slow kind is used, and what to do about it. */
  final class Slow {
    static {
      System.err.println(
          "quire: the JVM device switches its work items by threads, which takes ten times as long:"
              + " add --add-exports java.base/jdk.internal.vm=ALL-UNNAMED to java's flags");
    }

    private Slow() {}

    static void say() {
      // What is said is said by now.
    }
  }
}
