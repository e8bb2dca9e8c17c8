package dev.quire.engine.tornado;

import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.kernels.BlockSwap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Swaps blocks between the device and a pool on the host, in the steps that ask for it. The blocks
 * of a step are gathered from all layers into a staging array of fixed size, which crosses the bus
 * as one transfer, and scattered from one on the way back:
 *
 * <pre>
 *   device   layers' keys and values ──gather──► staging ─┐        ┌─► staging ──scatter──► layers
 *   host                                          staging ◄┘        └─ staging
 *                                                    └──► pool, one record a block ──┘
 * </pre>
 *
 * <p>Each direction is a captured graph of its own, so a step without swaps pays nothing. A
 * transfer always carries the whole staging array, so there are some of several sizes. The pool is
 * ordinary memory; TornadoVM pins either all host sides of arrays or none, and the weights' are too
 * large.
 */
final class SwapTasks {
  private static final int[] SIZES = {4, 16, 64};
  private static final long MOST_STAGING_BYTES = 64L << 20;
  private static final long MOST_CHUNK_ELEMENTS = 1L << 28;

  private final HostMirror mirror;
  private final PlanRunner runner;
  private final List<Group> groups = new ArrayList<>();
  private long movedBytes;
  private long movedNanos;

  /** One way through staging arrays of one size; [size] blocks at a time. */
  private record Way(int size, IntArray list, HalfFloatArray staging, PlanRunner.Program program) {}

  /** A cache group's ways, smallest first, and its pool. */
  private record Group(List<Way> outs, List<Way> ins, Pool pool) {}

  /** Host blocks, in arrays that one index can reach. */
  private record Pool(int recordElements, int blocksPerChunk, List<HalfFloatArray> chunks) {
    MemorySegment record(int block) {
      return chunks
          .get(block / blocksPerChunk)
          .getSegment()
          .asSlice(block % blocksPerChunk * bytes(), bytes());
    }

    long bytes() {
      return 2L * recordElements;
    }
  }

  SwapTasks(
      DecoderSpec spec,
      List<DeviceLayer> layers,
      TornadoOptions options,
      List<TornadoNativeArray> shared,
      HostMirror mirror,
      PlanRunner runner) {
    this.mirror = mirror;
    this.runner = runner;
    for (int g = 0; g < spec.cacheGroups().size(); g++) {
      int group = g;
      List<DeviceLayer> members =
          layers.stream().filter(layer -> layer.spec().cacheGroup() == group).toList();
      int hostBlocks = options.hostBlocks(g);
      if (hostBlocks == 0) {
        groups.add(new Group(List.of(), List.of(), new Pool(0, 1, List.of())));
        continue;
      }
      int record = 0;
      for (DeviceLayer layer : members) {
        record += 2 * blockElements(layer, options);
      }
      List<Way> outs = new ArrayList<>();
      List<Way> ins = new ArrayList<>();
      for (int size : SIZES) {
        int fitting = Math.clamp(MOST_STAGING_BYTES / (2L * record), 1, size);
        if (outs.isEmpty() || fitting > outs.getLast().size()) {
          outs.add(way(true, g, fitting, record, members, options, shared));
          ins.add(way(false, g, fitting, record, members, options, shared));
        }
      }
      groups.add(new Group(outs, ins, pool(record, hostBlocks)));
    }
  }

  private static int blockElements(DeviceLayer layer, TornadoOptions options) {
    return options.blockSize() * layer.spec().attention().kvSize();
  }

  private Pool pool(int record, int hostBlocks) {
    int most = Math.clamp(MOST_CHUNK_ELEMENTS / record, 1, hostBlocks);
    List<HalfFloatArray> chunks = new ArrayList<>();
    for (int from = 0; from < hostBlocks; from += most) {
      chunks.add(mirror.halves((long) Math.min(most, hostBlocks - from) * record));
    }
    return new Pool(record, most, chunks);
  }

  private Way way(
      boolean out,
      int group,
      int size,
      int record,
      List<DeviceLayer> layers,
      TornadoOptions options,
      List<TornadoNativeArray> shared) {
    var list = new IntArray(1 + size);
    HalfFloatArray staging = mirror.halves((long) size * record);
    var segments = new Segments((out ? "out" : "in") + group + "x" + size + "p");
    int place = 0;
    for (int i = 0; i < layers.size(); i++) {
      DeviceLayer layer = layers.get(i);
      int elements = blockElements(layer, options);
      var places = IntArray.fromElements(place);
      place += 2 * elements;
      String id = "layer" + i;
      if (out) {
        segments.add(
            id,
            8,
            BlockSwap.grid(size),
            graph ->
                graph.task(
                    id,
                    BlockSwap::gather,
                    new KernelContext(),
                    list,
                    places,
                    layer.keys(),
                    layer.values(),
                    staging,
                    elements,
                    record),
            list,
            places);
      } else {
        segments.add(
            id,
            8,
            BlockSwap.grid(size),
            graph ->
                graph.task(
                    id,
                    BlockSwap::scatter,
                    new KernelContext(),
                    list,
                    places,
                    staging,
                    layer.keys(),
                    layer.values(),
                    elements,
                    record),
            list,
            places,
            staging);
      }
    }
    List<Segments.Segment> graphs =
        out
            ? segments.build(MemoryGraphs.LAST, shared, staging)
            : segments.build(MemoryGraphs.LAST, shared);
    return new Way(size, list, staging, runner.add(graphs, true));
  }

  /**
   * Compiles and captures a way that has not run yet, by moving nothing.
   *
   * @return whether there was one
   */
  boolean prepareNext() {
    for (Group group : groups) {
      for (List<Way> ways : List.of(group.outs(), group.ins())) {
        for (Way way : ways) {
          if (!runner.ready(way.program())) {
            way.list().set(0, 0);
            runner.run(way.program());
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Moves a step's blocks: those that go out, then those that come in. */
  void run(StepBatch batch) {
    if (batch.numSwapOuts == 0 && batch.numSwapIns == 0) {
      return;
    }
    for (int g = 0; g < groups.size(); g++) {
      Group group = groups.get(g);
      move(
          batch.numSwapOuts,
          batch.swapOutGroup,
          g,
          group.outs(),
          moves -> out(batch, group, moves));
      move(batch.numSwapIns, batch.swapInGroup, g, group.ins(), moves -> in(batch, group, moves));
    }
  }

  /** Some of a step's moves, by their numbers in the batch, in one transfer. */
  private record Moves(Way way, int[] numbers) {}

  private void move(int count, int[] groupOf, int group, List<Way> ways, Consumer<Moves> transfer) {
    int left = 0;
    for (int i = 0; i < count; i++) {
      left += groupOf[i] == group ? 1 : 0;
    }
    int next = 0;
    while (left > 0) {
      Way way = ways.getLast();
      for (int i = ways.size() - 1; i >= 0 && left <= ways.get(i).size(); i--) {
        way = ways.get(i);
      }
      int[] numbers = new int[Math.min(left, way.size())];
      for (int n = 0; n < numbers.length; next++) {
        if (groupOf[next] == group) {
          numbers[n++] = next;
        }
      }
      left -= numbers.length;
      boolean first = !runner.ready(way.program());
      long begin = System.nanoTime();
      transfer.accept(new Moves(way, numbers));
      if (!first) { // which also compiles
        movedNanos += System.nanoTime() - begin;
        movedBytes += numbers.length * groups.get(group).pool().bytes();
      }
    }
  }

  private void out(StepBatch batch, Group group, Moves moves) {
    Way way = moves.way();
    way.list().set(0, moves.numbers().length);
    for (int i = 0; i < moves.numbers().length; i++) {
      way.list().set(1 + i, batch.swapOutSource[moves.numbers()[i]]);
    }
    runner.run(way.program());
    Pool pool = group.pool();
    for (int i = 0; i < moves.numbers().length; i++) {
      pool.record(batch.swapOutDestination[moves.numbers()[i]])
          .copyFrom(way.staging().getSegment().asSlice(i * pool.bytes(), pool.bytes()));
    }
  }

  private void in(StepBatch batch, Group group, Moves moves) {
    Way way = moves.way();
    way.list().set(0, moves.numbers().length);
    Pool pool = group.pool();
    for (int i = 0; i < moves.numbers().length; i++) {
      int number = moves.numbers()[i];
      way.list().set(1 + i, batch.swapInDestination[number]);
      way.staging()
          .getSegment()
          .asSlice(i * pool.bytes(), pool.bytes())
          .copyFrom(pool.record(batch.swapInSource[number]));
    }
    runner.run(way.program());
  }

  /** Bytes a second that blocks have moved at; NaN before any have. */
  double bytesPerSecond() {
    return movedNanos == 0 ? Double.NaN : movedBytes * 1e9 / movedNanos;
  }
}
