/**
 * Executes TornadoVM task graphs on the JVM: work groups, barriers, local memory, warps, matrix
 * fragments, and device memory that is separate from the host's.
 *
 * <pre>
 *   GraphBuilder ─► Graph ─► Plan         transfers and tasks in their order; DeviceArray, DeviceMemory
 *   Launch                                a task's groups, in parallel
 *   └ WorkGroup                           LocalMemory, AsyncCopies
 *     └ WorkItem                          on a Coroutine, where it waits for others
 *       └ Warp, WarpMatrices              shuffles, fragments
 *   checked mode: CheckedClasses, WatchingTransform ─► Watch ─► GroupWatch, Shadow
 * </pre>
 */
@NullMarked
package dev.quire.tornado.jvm;

import org.jspecify.annotations.NullMarked;
