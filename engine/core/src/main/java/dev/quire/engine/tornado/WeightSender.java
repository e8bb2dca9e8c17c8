package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import java.util.Locale;
import java.util.function.Consumer;

/** Sends a model's weights to the device, a batch at a time. */
final class WeightSender {
  private static final long SAY_NANOS = 2_000_000_000L;

  private final DeviceWeights weights;
  private final HostMirror mirror;
  private final PlanRunner runner;
  private final Consumer<String> say;

  /**
   * @param say takes lines on what is being done, for people
   */
  WeightSender(DeviceWeights weights, HostMirror mirror, PlanRunner runner, Consumer<String> say) {
    this.weights = weights;
    this.mirror = mirror;
    this.runner = runner;
    this.say = say;
  }

  /**
   * Runs the graphs that take the weights' batches, and those after them, in their order.
   *
   * @param load all graphs of {@code memory}
   * @param checked whether what arrived is read back and compared
   * @throws QuireException if it differs
   */
  void send(PlanRunner.Program load, MemoryGraphs memory, boolean checked) {
    long begin = System.nanoTime();
    long said = begin;
    int batches = weights.batches.size();
    for (int i = 0; i < load.count(); i++) {
      if (i < batches) {
        weights.batches.get(i).fills().forEach(Runnable::run);
      }
      var graph = new PlanRunner.Program(load.first() + i, 1, false, false);
      if (i == batches) {
        runner.run(graph);
      } else {
        memory.send(weights.batches.get(i), i, () -> runner.run(graph));
        if (checked && !memory.arrived(i)) {
          throw new QuireException(
              QuireException.Kind.FAILED,
              "weights that were sent to the device read back differently; see the driver's log");
        }
        weights.batches.get(i).arrays().forEach(mirror::release);
        if (System.nanoTime() - said > SAY_NANOS) {
          said = System.nanoTime();
          say.accept("sent %d of %d parts of the weights".formatted(i + 1, batches));
        }
      }
    }
    say.accept(
        "sent %s of weights in %s"
            .formatted(DeviceMemory.mebibytes(weights.bytes()), seconds(begin)));
  }

  private static String seconds(long begin) {
    return String.format(Locale.ROOT, "%.2f s", (System.nanoTime() - begin) * 1e-9);
  }
}
