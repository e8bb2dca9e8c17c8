package dev.quire.tornado.jvm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** 32 consecutive work items of a group: what they do in step. */
final class Warp {
  static final int LANES = 32;

  private final WorkItem[] lanes;
  private final ArrayDeque<Joint> open = new ArrayDeque<>();
  private long firstOpen;

  Warp(WorkItem[] lanes) {
    this.lanes = lanes;
  }

  /** An operation to which every lane contributes; it happens when the last lane comes. */
  static final class Joint {
    private final String name;
    final @Nullable Object[][] operands = new Object[LANES][];
    private int arrived;

    Joint(String name) {
      this.name = name;
    }

    Object operand(int lane, int i) {
      return java.util.Objects.requireNonNull(operands[lane])[i];
    }
  }

  /**
   * A lane comes to its {@code ordinal}-th joint operation.
   *
   * @return the operation if this lane was the last to come, else null
   */
  @Nullable Joint arrive(int lane, long ordinal, String name, Object... operands) {
    if (lanes.length != LANES) {
      throw new IllegalStateException(
          name + " needs a whole warp of 32 work items, this one has " + lanes.length);
    }
    int position = (int) (ordinal - firstOpen);
    if (position == open.size()) {
      open.addLast(new Joint(name));
    }
    Joint joint = at(position);
    if (!joint.name.equals(name)) {
      throw new IllegalStateException(
          "the lanes of a warp diverge: " + name + " here, " + joint.name + " in another lane");
    }
    joint.operands[lane] = operands;
    if (++joint.arrived < LANES) {
      return null;
    }
    open.removeFirst();
    firstOpen++;
    return joint;
  }

  private Joint at(int position) {
    if (position == open.size() - 1) {
      return open.getLast();
    }
    int i = 0;
    for (Joint joint : open) {
      if (i++ == position) {
        return joint;
      }
    }
    throw new AssertionError(position);
  }

  /** Runs the lanes until each is done or at a barrier. */
  void run(WorkGroup group) {
    while (true) {
      int inWarp = 0;
      for (WorkItem item : lanes) {
        if (item.state == WorkItem.State.READY) {
          group.resume(item);
        }
        if (item.state == WorkItem.State.IN_WARP) {
          inWarp++;
        }
      }
      if (inWarp == 0) {
        checkNothingOpen(group);
        return;
      }
      if (inWarp < LANES) {
        throw divergence(group, inWarp);
      }
      exchange(group);
    }
  }

  private void checkNothingOpen(WorkGroup group) {
    Joint joint = open.peekFirst();
    if (joint != null) {
      List<String> missing = new ArrayList<>();
      for (int lane = 0; lane < LANES; lane++) {
        if (joint.operands[lane] == null) {
          missing.add(WorkGroup.place(lanes[lane]));
        }
      }
      throw group.fault(
          "the lanes of a warp diverge: threads "
              + String.join(", ", missing)
              + " take no part in "
              + joint.name);
    }
  }

  private KernelFault divergence(WorkGroup group, int inWarp) {
    if (lanes.length < LANES) {
      return group.fault(
          "a warp operation needs a whole warp of 32 work items, this one has " + lanes.length);
    }
    List<String> absent = new ArrayList<>();
    for (WorkItem item : lanes) {
      if (item.state != WorkItem.State.IN_WARP) {
        absent.add(WorkGroup.place(item));
      }
    }
    return group.fault(
        "the lanes of a warp diverge: "
            + inWarp
            + " wait in a warp operation, threads "
            + String.join(", ", absent)
            + " do not");
  }

  private void exchange(WorkGroup group) {
    WorkItem.WarpOperation operation = lanes[0].warpOperation;
    float[] values = new float[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      if (lanes[lane].warpOperation != operation) {
        throw group.fault(
            "the lanes of a warp diverge: "
                + operation
                + " in thread "
                + WorkGroup.place(lanes[0])
                + ", "
                + lanes[lane].warpOperation
                + " in thread "
                + WorkGroup.place(lanes[lane]));
      }
      values[lane] = lanes[lane].warpValue;
    }
    float sum = operation == WorkItem.WarpOperation.SUM ? butterflySum(values) : 0;
    for (int lane = 0; lane < LANES; lane++) {
      WorkItem item = lanes[lane];
      item.warpValue =
          switch (operation) {
            case SUM -> sum;
            case BROADCAST_FIRST -> values[0];
            case SHUFFLE_DOWN -> {
              int source = lane + item.warpArgument;
              yield source < LANES ? values[source] : values[lane];
            }
          };
      item.state = WorkItem.State.READY;
    }
  }

  /** The sum in the order in which a device's butterfly takes it. */
  private static float butterflySum(float[] values) {
    float[] sums = values.clone();
    for (int width = LANES / 2; width > 0; width /= 2) {
      for (int lane = 0; lane < width; lane++) {
        sums[lane] += sums[lane + width];
      }
    }
    return sums[0];
  }
}
