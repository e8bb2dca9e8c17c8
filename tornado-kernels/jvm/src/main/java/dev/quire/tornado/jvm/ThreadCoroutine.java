package dev.quire.tornado.jvm;

import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** A coroutine on a virtual thread that takes turns with its owner: works on every JVM. */
final class ThreadCoroutine implements Coroutine {
  private final Runnable body;
  private final Semaphore go = new Semaphore(0);
  private final Semaphore back = new Semaphore(0);
  private @Nullable Thread thread;

  ThreadCoroutine(Runnable body) {
    this.body = body;
  }

  @Override
  public void resume() {
    if (thread == null) {
      thread =
          Thread.ofVirtual()
              .start(
                  () -> {
                    go.acquireUninterruptibly();
                    body.run();
                    back.release();
                  });
    }
    go.release();
    back.acquireUninterruptibly();
  }

  @Override
  public void suspend() {
    back.release();
    go.acquireUninterruptibly();
  }
}
