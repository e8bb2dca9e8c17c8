package dev.quire.tornado.jvm;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One work group, run by one thread. A kernel that never waits runs item after item in a loop; else
 * each item is a coroutine that goes back here at barriers and warp operations.
 */
final class WorkGroup {
  private static final int NAMED = 4;

  private final Launch launch;
  private final int[] position = new int[3];
  private final LocalMemory memory = new LocalMemory();
  private final WorkItem[] items;
  private final Warp[] warps;
  private final @Nullable GroupWatch watch;

  WorkGroup(Launch launch, int linear) {
    this.launch = launch;
    watch = launch.checked() ? new GroupWatch(this, launch) : null;
    GridShape shape = launch.shape();
    position[0] = linear % shape.groups(0);
    position[1] = linear / shape.groups(0) % shape.groups(1);
    position[2] = linear / shape.groups(0) / shape.groups(1);
    items = new WorkItem[shape.groupSize()];
    for (int i = 0; i < items.length; i++) {
      items[i] = new WorkItem(this, i);
    }
    warps = new Warp[(items.length + Warp.LANES - 1) / Warp.LANES];
    for (int w = 0; w < warps.length; w++) {
      int first = w * Warp.LANES;
      int end = Math.min(first + Warp.LANES, items.length);
      warps[w] = new Warp(java.util.Arrays.copyOfRange(items, first, end));
    }
  }

  GridShape shape() {
    return launch.shape();
  }

  int position(int dimension) {
    return position[dimension];
  }

  LocalMemory memory() {
    return memory;
  }

  Warp warp(int number) {
    return warps[number];
  }

  @Nullable GroupWatch watch() {
    return watch;
  }

  void run() {
    GroupWatch.enter(watch);
    try {
      runItems();
    } finally {
      GroupWatch.enter(null);
    }
  }

  private void runItems() {
    if (launch.suspends()) {
      runInTurns();
    } else {
      for (WorkItem item : items) {
        if (watch != null) {
          watch.running(item);
        }
        call(item);
        rethrow(item);
      }
      for (Warp warp : warps) {
        warp.run(this);
      }
    }
  }

  private void runInTurns() {
    for (WorkItem item : items) {
      item.coroutine = Coroutine.of(() -> call(item));
    }
    while (true) {
      for (Warp warp : warps) {
        warp.run(this);
      }
      if (!passBarrier()) {
        return;
      }
    }
  }

  /** Lets everyone pass if everyone is at the barrier; false when all are done. */
  private boolean passBarrier() {
    List<WorkItem> done = new ArrayList<>();
    @Nullable WorkItem waiting = null;
    for (WorkItem item : items) {
      if (item.state == WorkItem.State.DONE) {
        done.add(item);
      } else {
        waiting = item;
      }
    }
    if (waiting == null) {
      return false;
    }
    if (!done.isEmpty()) {
      throw fault(
          "the group diverges at a barrier: thread "
              + place(waiting)
              + " waits there, "
              + places(done)
              + " returned without coming to it");
    }
    checkOneSite(waiting);
    for (WorkItem item : items) {
      item.state = WorkItem.State.READY;
    }
    if (watch != null) {
      watch.barrierPassed();
    }
    return true;
  }

  private void checkOneSite(WorkItem first) {
    for (WorkItem item : items) {
      if (!item.site.equals(first.site)) {
        throw fault(
            "the group diverges at a barrier: thread "
                + place(first)
                + " waits on "
                + first.site
                + ", thread "
                + place(item)
                + " on "
                + item.site);
      }
    }
  }

  void resume(WorkItem item) {
    Coroutine coroutine = item.coroutine;
    if (coroutine == null) {
      return;
    }
    if (watch != null) {
      watch.running(item);
    }
    coroutine.resume();
    rethrow(item);
  }

  private void call(WorkItem item) {
    GroupWatch.enter(watch);
    try {
      launch.call(item);
      item.finish();
    } catch (Throwable failure) {
      item.failure = failure;
    }
    item.state = WorkItem.State.DONE;
  }

  private void rethrow(WorkItem item) {
    Throwable failure = item.failure;
    if (failure instanceof KernelFault fault) {
      throw fault;
    }
    if (failure != null) {
      throw launch.fault(where() + ", thread " + place(item), failure);
    }
  }

  KernelFault fault(String message) {
    return launch.fault(where(), new IllegalStateException(message));
  }

  private String where() {
    return "group (" + position[0] + ", " + position[1] + ", " + position[2] + ")";
  }

  static String place(WorkItem item) {
    return "(" + item.local(0) + ", " + item.local(1) + ", " + item.local(2) + ")";
  }

  private static String places(List<WorkItem> some) {
    StringBuilder text = new StringBuilder(some.size() == 1 ? "thread " : "threads ");
    for (int i = 0; i < Math.min(NAMED, some.size()); i++) {
      text.append(i == 0 ? "" : ", ").append(place(some.get(i)));
    }
    return some.size() > NAMED ? text + " and " + (some.size() - NAMED) + " more" : text.toString();
  }
}
