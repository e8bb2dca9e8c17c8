package dev.quire.engine.tornado;

import dev.quire.kernels.Probe;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * The graphs that put arrays on the device, one batch of weights each, and the last one the cache
 * and the scratch. Each passes on what those before it put there, so that the last has everything.
 */
final class MemoryGraphs {
  /** The graph whose arrays all others use. */
  static final String LAST = "memory";

  private final KernelContext context = new KernelContext();
  private final List<TornadoNativeArray> shared = new ArrayList<>();
  private final List<Segments.Segment> graphs = new ArrayList<>();
  private final List<List<Check>> checks = new ArrayList<>();

  /** The end of an array, as the device has it. */
  private record Check(TornadoNativeArray array, int first, FloatArray read) {}

  MemoryGraphs(List<DeviceWeights.Batch> batches, List<TornadoNativeArray> untouched) {
    String previous = "";
    for (int i = 0; i < batches.size(); i++) {
      previous = weights("weights" + i, previous, batches.get(i).arrays());
    }
    TaskGraph graph =
        new TaskGraph(LAST)
            .consumeFromDevice(previous, shared.toArray())
            .transferToDevice(DataTransferMode.UNDER_DEMAND, untouched.toArray());
    List<String> tasks = new ArrayList<>();
    for (int i = 0; i < untouched.size(); i++) {
      graph = touch(graph, "touch" + i, untouched.get(i));
      tasks.add(LAST + ".touch" + i);
    }
    shared.addAll(untouched);
    graph = graph.persistOnDevice(shared.toArray());
    add(LAST, graph.snapshot(), tasks, List.of());
  }

  private String weights(String name, String previous, List<TornadoNativeArray> arrays) {
    TaskGraph graph = new TaskGraph(name);
    if (!previous.isEmpty()) {
      graph = graph.consumeFromDevice(previous, shared.toArray());
    }
    graph = graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, arrays.toArray());
    List<String> tasks = new ArrayList<>();
    List<Check> reads = new ArrayList<>();
    for (int i = 0; i < arrays.size(); i++) {
      int size = arrays.get(i).getSize();
      int count = Math.min(Probe.GROUP, size);
      FloatArray read = new FloatArray(Probe.GROUP);
      reads.add(new Check(arrays.get(i), size - count, read));
      graph = probe(graph, "probe" + i, arrays.get(i), read, size - count, count);
      tasks.add(name + ".probe" + i);
    }
    shared.addAll(arrays);
    graph =
        graph
            .persistOnDevice(shared.toArray())
            .transferToHost(
                DataTransferMode.EVERY_EXECUTION, reads.stream().map(Check::read).toArray());
    add(name, graph.snapshot(), tasks, reads);
    return name;
  }

  private void add(String name, ImmutableTaskGraph graph, List<String> tasks, List<Check> reads) {
    List<WorkerGrid> grids = tasks.stream().map(_ -> Probe.grid()).toList();
    graphs.add(new Segments.Segment(name, graph, tasks, grids));
    checks.add(reads);
  }

  private TaskGraph probe(
      TaskGraph graph, String id, TornadoNativeArray array, FloatArray read, int first, int count) {
    return switch (array) {
      case HalfFloatArray halves ->
          graph.task(id, Probe::halves, context, halves, read, first, count);
      case FloatArray floats -> graph.task(id, Probe::floats, context, floats, read, first, count);
      case IntArray ints -> graph.task(id, Probe::ints, context, ints, read, first, count);
      default -> throw new IllegalArgumentException("an array of " + array.getClass());
    };
  }

  private TaskGraph touch(TaskGraph graph, String id, TornadoNativeArray array) {
    return switch (array) {
      case HalfFloatArray halves -> graph.task(id, Probe::touchHalves, context, halves);
      case FloatArray floats -> graph.task(id, Probe::touchFloats, context, floats);
      case IntArray ints -> graph.task(id, Probe::touchInts, context, ints);
      default -> throw new IllegalArgumentException("an array of " + array.getClass());
    };
  }

  List<Segments.Segment> graphs() {
    return graphs;
  }

  /** All that the device keeps. */
  List<TornadoNativeArray> shared() {
    return shared;
  }

  /** Whether what a batch's graph read on the device is what was sent. */
  boolean arrived(int batch) {
    for (Check check : checks.get(batch)) {
      int count = check.array().getSize() - check.first();
      for (int i = 0; i < count; i++) {
        float expected =
            switch (check.array()) {
              case HalfFloatArray halves -> halves.get(check.first() + i).getFloat32();
              case FloatArray floats -> floats.get(check.first() + i);
              case IntArray ints -> (float) ints.get(check.first() + i);
              default -> Float.NaN;
            };
        if (Float.compare(expected, check.read().get(i)) != 0) {
          return false;
        }
      }
    }
    return true;
  }
}
