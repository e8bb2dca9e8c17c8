package dev.quire.bench.kernels;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The kernels that measure the device rather than themselves. */
public final class Limits {
  private static final int GROUP = 256;
  private static final int EACH = 8;

  private Limits() {}

  /** Copies {@value #EACH} floats a thread, a group's neighbours together. */
  public static void copy(KernelContext context, FloatArray in, FloatArray out) {
    int at = context.groupIdx * (GROUP * EACH) + context.localIdx;
    float a = in.get(at);
    float b = in.get(at + GROUP);
    float c = in.get(at + 2 * GROUP);
    float d = in.get(at + 3 * GROUP);
    float e = in.get(at + 4 * GROUP);
    float f = in.get(at + 5 * GROUP);
    float g = in.get(at + 6 * GROUP);
    float h = in.get(at + 7 * GROUP);
    out.set(at, a);
    out.set(at + GROUP, b);
    out.set(at + 2 * GROUP, c);
    out.set(at + 3 * GROUP, d);
    out.set(at + 4 * GROUP, e);
    out.set(at + 5 * GROUP, f);
    out.set(at + 6 * GROUP, g);
    out.set(at + 7 * GROUP, h);
  }

  /** Does next to nothing. */
  public static void touch(KernelContext context, IntArray array) {
    if (context.localIdx == 0) {
      array.set(0, 1);
    }
  }

  static KernelWork empty() {
    IntArray array = new IntArray(GROUP);
    return new KernelWork(0)
        .arrays(array)
        .repetitions(1)
        .launch(
            groups(1), (graph, id, _) -> graph.task(id, Limits::touch, new KernelContext(), array));
  }

  static KernelCase copy(Scale scale) {
    int megabytes = scale == Scale.FULL ? 512 : 1;
    int floats = megabytes << 18;
    return new KernelCase(
        "Limits copy",
        megabytes + "MiB",
        8.0 * floats,
        0,
        () -> {
          List<FloatArray> arrays = new ArrayList<>();
          arrays.add(RandomArrays.floats(floats, 1, 1));
          arrays.add(new FloatArray(floats));
          return new KernelWork(0)
              .arrays(arrays)
              .repetitions(4)
              .launch(
                  groups(floats / GROUP / EACH),
                  (graph, id, _) ->
                      graph.task(
                          id, Limits::copy, new KernelContext(), arrays.get(0), arrays.get(1)));
        });
  }

  static KernelCase product() {
    ProductShape shape = new ProductShape("limit", 4096, 4096, 4096, 1);
    return LibraryProduct.of(shape);
  }

  private static WorkerGrid groups(int count) {
    WorkerGrid grid = new WorkerGrid1D(count * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
