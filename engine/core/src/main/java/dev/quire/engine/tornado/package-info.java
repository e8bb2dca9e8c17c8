/**
 * Runs steps through the kernels of {@code dev.quire.kernels}: compiled by TornadoVM on a GPU, or
 * executed on the JVM by our own implementation of TornadoVM's API.
 *
 * <pre>
 *   TornadoExecutor      takes a step's batch, gives tokens or logits
 *   ├ StepSender         the batch in one array, which a kernel writes out to StepInputs
 *   ├ StepGraphs         graphs for steps of each size
 *   │ ├ LayerTasks       a layer's kernels: AttentionTasks, RotaryTasks, FeedForwardTasks,
 *   │ │ │                ExpertTasks, ResidualTasks
 *   │ │ └ ProductTasks   VectorProducts of one row, TensorProducts of several, by ProductShape
 *   │ ├ HeadTasks        logits, and the tokens that are drawn
 *   │ └ Segments         kernels in their order, cut into task graphs
 *   ├ PlanRunner         executes the graphs, and captures them at first
 *   ├ CopyTasks, SwapTasks                          blocks of the KV cache
 *   ├ DeviceWeights, WeightPacker, MemoryGraphs     weights on their way to the device
 *   └ TornadoInternals, KernelCache, ProgrammaticLaunch     what TornadoVM has no option for
 * </pre>
 */
@NullMarked
package dev.quire.engine.tornado;

import org.jspecify.annotations.NullMarked;
