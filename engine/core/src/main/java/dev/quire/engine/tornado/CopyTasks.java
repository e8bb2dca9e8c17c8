package dev.quire.engine.tornado;

import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.kernels.BlockCopy;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** Copies blocks of all layers of a cache group, in the steps that ask for it. */
final class CopyTasks {
  private static final int MOST_PAIRS = 256;

  private record Group(IntArray counts, IntArray pairs, PlanRunner.Program program) {}

  private final List<Group> groups = new ArrayList<>();
  private final PlanRunner runner;

  CopyTasks(
      DecoderSpec spec,
      DeviceWeights weights,
      TornadoOptions options,
      List<TornadoNativeArray> shared,
      PlanRunner runner) {
    this.runner = runner;
    for (int g = 0; g < spec.cacheGroups().size(); g++) {
      int group = g;
      var counts = new IntArray(1);
      var pairs = new IntArray(2 * MOST_PAIRS);
      var segments = new Segments("copy" + g + "p");
      for (int i = 0; i < weights.layers.size(); i++) {
        DeviceLayer layer = weights.layers.get(i);
        if (layer.spec().cacheGroup() != group) {
          continue;
        }
        int blockElements = options.blockSize() * layer.spec().attention().kvSize();
        String id = "layer" + i;
        segments.add(
            id,
            6,
            BlockCopy.grid(MOST_PAIRS),
            graph ->
                graph.task(
                    id,
                    BlockCopy::copy,
                    new KernelContext(),
                    counts,
                    pairs,
                    layer.keys(),
                    layer.values(),
                    blockElements),
            counts,
            pairs);
      }
      groups.add(
          new Group(counts, pairs, runner.add(segments.build(MemoryGraphs.LAST, shared), true)));
    }
  }

  /** Compiles and captures the graphs, by copying nothing. */
  void prepare() {
    for (Group group : groups) {
      group.counts().set(0, 0);
      runner.run(group.program());
    }
  }

  void run(StepBatch batch) {
    for (int g = 0; g < groups.size() && batch.numCopies > 0; g++) {
      Group group = groups.get(g);
      int count = 0;
      for (int i = 0; i < batch.numCopies; i++) {
        if (batch.copyGroup[i] == g) {
          group.pairs().set(2 * count, batch.copySource[i]);
          group.pairs().set(2 * count + 1, batch.copyDestination[i]);
          count++;
        }
        if (count == MOST_PAIRS || count > 0 && i == batch.numCopies - 1) {
          group.counts().set(0, count);
          runner.run(group.program());
          count = 0;
        }
      }
    }
  }
}
