package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;

/**
 * The wait for the kernels before this one, in kernels that may be launched while those still run.
 *
 * <p>With the launcher's patch of TornadoVM's driver every kernel waits before it does anything,
 * and then lets the next be launched, unless its name has {@code Early} at its end or before {@code
 * Quads}: such a kernel asks for weights first, which no kernel of its graph writes, and then waits
 * by calling {@link #await}. Until then it reads and writes nothing else. It must wait in every
 * group, or else those after it would take its end for the end of all before it.
 */
final class Predecessors {
  private Predecessors() {}

  // No kernel has so many copies under way: by themselves they wait for nothing.
  private static final int AWAIT = 15;
  private static final int RELEASE = 14;

  /** Waits for all kernels before this one; without the patch they are over when this starts. */
  static void await(KernelContext context) {
    context.asyncCopyWaitGroup(AWAIT);
  }

  /**
   * Lets the kernel after this be launched, once every group has called this or is over: best when
   * a group has asked for the last of its weights. Where loads follow, NVIDIA's compiler takes
   * registers for all of them.
   */
  static void release(KernelContext context) {
    context.asyncCopyWaitGroup(RELEASE);
  }
}
