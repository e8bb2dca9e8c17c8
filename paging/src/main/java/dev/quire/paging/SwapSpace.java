package dev.quire.paging;

import java.util.Arrays;
import java.util.List;

/**
 * A bounded host pool for each cache group, and the moves to and from it that wait for the next
 * step.
 *
 * <p>Swap-outs run before all else in a step, so the device block of one may be handed out again at
 * once. A host block that is read by a swap-in stays pinned until the moves are drained, as a
 * swap-out of the same step would overwrite it first.
 */
final class SwapSpace {
  private static final int NONE = BlockPool.NONE;
  private static final int UNPLACED = -1;

  private final int blockSize;
  private final BlockPool[] device;
  private final BlockPool[] host;
  private final BlockCopies outs;
  private final BlockCopies ins;
  private final boolean enabled;
  // Where a block goes, plus one: by source block, while one call runs; 0 outside.
  private final int[][] targets;
  private int touched;
  private int[] touchedGroups = new int[64];
  private int[] touchedBlocks = new int[64];

  SwapSpace(int blockSize, BlockPool[] device, int[] hostBlocks) {
    this.blockSize = blockSize;
    this.device = device;
    enabled = Arrays.stream(hostBlocks).anyMatch(blocks -> blocks > 0);
    host = new BlockPool[device.length];
    targets = new int[device.length][];
    int[] deviceBlocks = new int[device.length];
    for (int group = 0; group < device.length; group++) {
      host[group] = new BlockPool(hostBlocks[group]);
      deviceBlocks[group] = enabled ? device[group].size() : 0;
      targets[group] = new int[enabled ? Math.max(device[group].size(), hostBlocks[group]) : 0];
    }
    outs = new BlockCopies(hostBlocks, null);
    ins = new BlockCopies(deviceBlocks, host);
  }

  BlockCopies outs() {
    return outs;
  }

  BlockCopies ins() {
    return ins;
  }

  BlockPool pool(int group) {
    return host[group];
  }

  boolean swapOut(PagedAllocator allocator, List<SequenceBlocks> sequences) {
    if (!enabled) {
      return false;
    }
    boolean possible = planSwapOut(allocator, sequences);
    if (possible) {
      for (var s : sequences) {
        for (int group = 0; group < device.length; group++) {
          moveOut(allocator, s, group);
        }
        s.state = SequenceBlocks.State.SWAPPED;
      }
    }
    forgetTargets();
    return possible;
  }

  /** Finds room for each distinct block; changes nothing but {@link #targets}. */
  private boolean planSwapOut(PagedAllocator allocator, List<SequenceBlocks> sequences) {
    for (int group = 0; group < device.length; group++) {
      int firstTouched = touched;
      for (var s : sequences) {
        s.require(SequenceBlocks.State.ON_DEVICE);
        for (int i = s.firstKept[group]; i < stored(s, group); i++) {
          int block = s.block(group, i);
          if (ins.writes(group, allocator.copies().origin(group, block))) {
            return false;
          }
          touch(group, block, UNPLACED);
        }
      }
      if (touched - firstTouched > host[group].freeBlocks()) {
        return false;
      }
    }
    return true;
  }

  /** Entries of a table that hold tokens. */
  private int stored(SequenceBlocks s, int group) {
    return Math.min(s.blockCount(group), Math.ceilDiv(s.computed, blockSize));
  }

  private void moveOut(PagedAllocator allocator, SequenceBlocks s, int group) {
    for (int excess = s.blockCount(group) - stored(s, group); excess > 0; excess--) {
      allocator.release(group, s.removeLast(group));
    }
    for (int i = s.blockCount(group) - 1; i >= s.firstKept[group]; i--) {
      int block = s.block(group, i);
      if (targets[group][block] == UNPLACED) {
        int target = host[group].allocate();
        targets[group][block] = target + 1;
        outs.add(group, allocator.copies().origin(group, block), target);
      } else {
        host[group].retain(targets[group][block] - 1);
      }
      s.set(group, i, targets[group][block] - 1);
      allocator.release(group, block);
    }
  }

  boolean swapIn(PagedAllocator allocator, List<SequenceBlocks> sequences) {
    boolean possible = planSwapIn(allocator, sequences);
    if (possible) {
      placeOnDevice(allocator);
      for (var s : sequences) {
        for (int group = 0; group < device.length; group++) {
          for (int i = s.blockCount(group) - 1; i >= s.firstKept[group]; i--) {
            int block = s.block(group, i);
            int target = targets[group][block] - 1;
            device[group].retain(target);
            s.set(group, i, target);
            releaseHost(group, block);
          }
        }
        s.state = SequenceBlocks.State.ON_DEVICE;
        s.unbound = s.known > 0;
      }
      for (int i = 0; i < touched; i++) {
        int group = touchedGroups[i];
        allocator.release(group, targets[group][touchedBlocks[i]] - 1);
      }
    }
    forgetTargets();
    return possible;
  }

  /** Finds blocks whose tokens the device still has, and room for the others. */
  private boolean planSwapIn(PagedAllocator allocator, List<SequenceBlocks> sequences) {
    for (int group = 0; group < device.length; group++) {
      int need = 0;
      for (var s : sequences) {
        s.require(SequenceBlocks.State.SWAPPED);
        int node = s.node;
        for (int i = s.blockCount(group) - 1; i >= s.firstKept[group]; i--) {
          int cached = NONE;
          if (i < s.known) {
            cached = allocator.cachedBlock(node, group);
            node = allocator.parentNode(node);
          }
          boolean first = touch(group, s.block(group, i), cached == NONE ? UNPLACED : cached + 1);
          need += first && (cached == NONE || device[group].isFree(cached)) ? 1 : 0;
        }
      }
      if (need > device[group].freeBlocks()) {
        return false;
      }
    }
    return true;
  }

  /** Gives every touched host block a device block, with one reference of this call's own. */
  private void placeOnDevice(PagedAllocator allocator) {
    // Blocks to be revived first, so that none of them is taken for another.
    for (int i = 0; i < touched; i++) {
      int target = targets[touchedGroups[i]][touchedBlocks[i]];
      if (target != UNPLACED) {
        device[touchedGroups[i]].retain(target - 1);
      }
    }
    for (int i = 0; i < touched; i++) {
      int group = touchedGroups[i];
      int block = touchedBlocks[i];
      if (targets[group][block] == UNPLACED) {
        int target = allocator.take(group);
        targets[group][block] = target + 1;
        ins.add(group, block, target);
      }
    }
  }

  /** Sets a block's target unless it has one; returns whether it had none. */
  private boolean touch(int group, int block, int target) {
    if (targets[group][block] != 0) {
      return false;
    }
    if (touched == touchedGroups.length) {
      touchedGroups = Arrays.copyOf(touchedGroups, 2 * touched);
      touchedBlocks = Arrays.copyOf(touchedBlocks, 2 * touched);
    }
    touchedGroups[touched] = group;
    touchedBlocks[touched] = block;
    touched++;
    targets[group][block] = target;
    return true;
  }

  private void forgetTargets() {
    for (int i = 0; i < touched; i++) {
      targets[touchedGroups[i]][touchedBlocks[i]] = 0;
    }
    touched = 0;
  }

  /** Gives back the host blocks of a swapped-out sequence. */
  void free(SequenceBlocks s) {
    for (int group = 0; group < host.length; group++) {
      while (s.blockCount(group) > 0) {
        int block = s.removeLast(group);
        if (block != NONE) {
          releaseHost(group, block);
        }
      }
    }
  }

  private void releaseHost(int group, int block) {
    if (host[group].release(block)) {
      var _ = outs.cancel(group, block);
    }
  }

  /** A device block became free: nothing needs to come into it any more. */
  void cancelSwapIn(int group, int block) {
    if (enabled) {
      int source = ins.cancel(group, block);
      if (source != NONE && host[group].unpin(source)) {
        var _ = outs.cancel(group, source);
      }
    }
  }
}
