package dev.quire.engine.tornado;

import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.Probe;
import dev.quire.kernels.TilePacker;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
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

  private final List<List<IntArray>> parts = new ArrayList<>();
  private final Staging staging;

  /** 1 where a batch is there as a whole. */
  private final IntArray ready = IntArray.fromElements(1);

  /**
   * The end of an array, as the device has it.
   *
   * @param pack what the device made it of, or null
   */
  private record Check(
      TornadoNativeArray array, @Nullable TilePack pack, int first, FloatArray read) {}

  /**
   * @param staging of what is packed on the device
   */
  MemoryGraphs(
      List<DeviceWeights.Batch> batches, Staging staging, List<TornadoNativeArray> untouched) {
    this.staging = staging;
    String previous = "";
    for (int i = 0; i < batches.size(); i++) {
      previous = weights("weights" + i, previous, batches.get(i));
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
    List<WorkerGrid> grids = tasks.stream().map(_ -> Probe.grid()).toList();
    graphs.add(new Segments.Segment(LAST, graph.snapshot(), tasks, grids));
    checks.add(List.of());
  }

  private String weights(String name, String previous, DeviceWeights.Batch batch) {
    IdentityHashMap<TornadoNativeArray, TilePack> packed = new IdentityHashMap<>();
    batch.packs().forEach(pack -> packed.put(pack.weights(), pack));
    List<TornadoNativeArray> arrays = batch.arrays();
    List<TornadoNativeArray> sent = arrays.stream().filter(a -> !packed.containsKey(a)).toList();
    TaskGraph graph = new TaskGraph(name);
    if (!previous.isEmpty()) {
      graph = graph.consumeFromDevice(previous, shared.toArray());
    }
    graph =
        graph
            .transferToDevice(DataTransferMode.FIRST_EXECUTION, sent.toArray())
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, ready);
    List<String> tasks = new ArrayList<>();
    List<WorkerGrid> grids = new ArrayList<>();
    graph = packs(name, graph, batch.packs(), tasks, grids);
    List<Check> reads = new ArrayList<>();
    for (int i = 0; i < arrays.size(); i++) {
      int size = arrays.get(i).getSize();
      int count = Math.min(Probe.GROUP, size);
      FloatArray read = new FloatArray(Probe.GROUP);
      reads.add(new Check(arrays.get(i), packed.get(arrays.get(i)), size - count, read));
      graph = probe(graph, "probe" + i, arrays.get(i), read, size - count, count);
      tasks.add(name + ".probe" + i);
      grids.add(Probe.grid());
    }
    shared.addAll(arrays);
    graph =
        graph
            .persistOnDevice(shared.toArray())
            .transferToHost(
                DataTransferMode.EVERY_EXECUTION, reads.stream().map(Check::read).toArray());
    graphs.add(new Segments.Segment(name, graph.snapshot(), tasks, grids));
    checks.add(reads);
    return name;
  }

  /** A kernel for each matrix; of those at hand one at a time has something staged. */
  private TaskGraph packs(
      String name,
      TaskGraph graph,
      List<TilePack> packs,
      List<String> tasks,
      List<WorkerGrid> grids) {
    List<IntArray> ofBatch = packs.stream().map(_ -> new IntArray(2)).toList();
    parts.add(ofBatch);
    if (packs.isEmpty()) {
      return graph;
    }
    FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
    List<TornadoNativeArray> often = new ArrayList<>(ofBatch);
    if (packs.stream().anyMatch(TilePack::brains)) {
      often.add(staging.brains);
      often.add(scales);
    }
    if (!packs.stream().allMatch(TilePack::brains)) {
      often.add(staging.halves);
    }
    TaskGraph all =
        graph
            .transferToDevice(
                DataTransferMode.UNDER_DEMAND, packs.stream().map(TilePack::weights).toArray())
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, often.toArray());
    for (int i = 0; i < packs.size(); i++) {
      TilePack pack = packs.get(i);
      String id = "pack" + i;
      IntArray part = ofBatch.get(i);
      int inputs = pack.inputs();
      all =
          pack.brains()
              ? all.task(
                  id,
                  TilePacker::brains,
                  context,
                  part,
                  staging.brains,
                  scales,
                  pack.weights(),
                  inputs)
              : all.task(
                  id, TilePacker::halves, context, part, staging.halves, pack.weights(), inputs);
      tasks.add(name + "." + id);
      grids.add(TilePacker.grid(staging.blocks(pack), inputs));
    }
    return all;
  }

  /**
   * Runs the graph of a batch, once for each piece of what is packed on the device.
   *
   * @param execute runs it
   */
  void send(DeviceWeights.Batch batch, int index, Runnable execute) {
    if (batch.packs().isEmpty()) {
      execute.run();
      return;
    }
    for (int p = 0; p < batch.packs().size(); p++) {
      TilePack pack = batch.packs().get(p);
      IntArray part = parts.get(index).get(p);
      int most = staging.blocks(pack);
      for (int first = 0; first < pack.blocks(); first += most) {
        int count = Math.min(most, pack.blocks() - first);
        staging.fill(pack, first, count);
        part.set(0, first);
        part.set(1, count);
        boolean last = p == batch.packs().size() - 1 && first + count == pack.blocks();
        ready.set(0, last ? 1 : 0);
        execute.run();
      }
      part.set(1, 0);
    }
  }

  private TaskGraph probe(
      TaskGraph graph, String id, TornadoNativeArray array, FloatArray read, int first, int count) {
    return switch (array) {
      case HalfFloatArray halves ->
          graph.task(id, Probe::halves, context, ready, halves, read, first, count);
      case FloatArray floats ->
          graph.task(id, Probe::floats, context, ready, floats, read, first, count);
      case IntArray ints -> graph.task(id, Probe::ints, context, ready, ints, read, first, count);
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
        // Equal, not identical: packing makes a positive zero of a negative one.
        if (!(expected(check, check.first() + i) == check.read().get(i))) {
          return false;
        }
      }
    }
    return true;
  }

  private static float expected(Check check, int element) {
    TilePack pack = check.pack();
    if (pack != null) {
      return pack.expected(element);
    }
    return switch (check.array()) {
      case HalfFloatArray halves -> halves.get(element).getFloat32();
      case FloatArray floats -> floats.get(element);
      case IntArray ints -> (float) ints.get(element);
      default -> Float.NaN;
    };
  }
}
