package dev.quire.paging;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * KV memory as the systems before paging kept it: one contiguous run for each sequence, set aside
 * whole when the sequence starts, placed by a buddy allocator, and shared with nobody. For
 * comparison only.
 *
 * <p>A reservation of {@code r} tokens for a sequence that will have {@code n} of them, {@code k}
 * stored so far, lies in a run of {@code 2^i} blocks like this:
 *
 * <pre>
 *   0        k              n               r                    2^i × blockSize
 *   │ tokens │   reserved   │   internal    │      external      │
 * </pre>
 *
 * Free memory counts as external, too, while a sequence waits that it cannot hold: from a refusal
 * until the next reservation succeeds (Kwon et al. 2023, figure 2).
 *
 * <p>A fork reserves as much as its parent when it first asks for room, and copies what it needs of
 * the parent's run; the parent's run stays until then. Prefixes are not found, nothing is swapped,
 * and windows give nothing back.
 */
public final class ReservingAllocator implements KvAllocator {
  private final int blockSize;
  private final int groups;
  private final ReservationPolicy policy;
  private final int maxTokens;
  private final BuddyAllocator[] memory;
  private final BlockCopies copies;
  private final BlockCopies noSwapOuts;
  private final BlockCopies noSwapIns;
  private final ArrayList<SequenceBlocks> live = new ArrayList<>();
  private final ReservationAudit audit;
  // Runs that waiting copies read.
  private final ArrayList<Reservation> draining = new ArrayList<>();
  private boolean refused;

  /**
   * @param config block size, groups and their sizes; prefix caching and watermark are not used
   * @param maxTokens longest sequence of the model
   */
  public ReservingAllocator(KvCacheConfig config, ReservationPolicy policy, int maxTokens) {
    blockSize = config.blockSize();
    groups = config.groups().size();
    this.policy = policy;
    this.maxTokens = maxTokens;
    memory = new BuddyAllocator[groups];
    for (int group = 0; group < groups; group++) {
      memory[group] = new BuddyAllocator(config.blocksPerGroup()[group]);
    }
    audit = new ReservationAudit(blockSize, memory, live);
    copies = new BlockCopies(config.blocksPerGroup(), null);
    noSwapOuts = new BlockCopies(new int[groups], null);
    noSwapIns = new BlockCopies(new int[groups], null);
  }

  /**
   * @throws PagingException when the policy needs to know the sequence's lengths
   */
  @Override
  public SequenceBlocks newSequence(long cacheSalt) {
    return add(
        cacheSalt, new Reservation(null, policy.tokens(null, maxTokens), maxOrder(), groups));
  }

  @Override
  public SequenceBlocks newSequence(long cacheSalt, LengthHint hint) {
    int tokens = policy.tokens(hint, maxTokens);
    return add(cacheSalt, new Reservation(hint, tokens, orderFor(tokens), groups));
  }

  private SequenceBlocks add(long cacheSalt, Reservation reservation) {
    var s = new SequenceBlocks(groups, blockSize, cacheSalt);
    s.reservation = reservation;
    s.liveIndex = live.size();
    live.add(s);
    return s;
  }

  private int orderFor(int tokens) {
    return BuddyAllocator.orderOf(Math.ceilDiv(tokens, blockSize));
  }

  private int maxOrder() {
    return orderFor(maxTokens);
  }

  /** What a sequence of this allocator has set aside. */
  static Reservation reservation(SequenceBlocks s) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    return Objects.requireNonNull(s.reservation, "sequence of another allocator");
  }

  @Override
  public int attachPrefix(SequenceBlocks s, int[] tokens, int length) {
    return 0;
  }

  /**
   * {@inheritDoc}
   *
   * @throws PagingException when the sequence outgrows what its policy reserved
   */
  @Override
  public boolean reserve(SequenceBlocks s, int computed, int newTokens) {
    settle();
    var reservation = reservation(s);
    int end = Math.addExact(computed, newTokens);
    if (end > reservation.tokens) {
      throw new PagingException(
          "a sequence needs %d tokens, but policy %s reserved %d; give its true length"
              .formatted(end, policy, reservation.tokens));
    }
    if (!reservation.placed && !place(reservation, s.computed)) {
      return false;
    }
    for (int group = 0; group < groups; group++) {
      while (s.blockCount(group) < Math.ceilDiv(end, blockSize)) {
        s.append(group, reservation.bases[group] + s.blockCount(group));
      }
    }
    return true;
  }

  private boolean place(Reservation reservation, int storedTokens) {
    if (!fits(reservation.order)) {
      refused = true;
      return false;
    }
    refused = false;
    reservation.placed = true;
    for (int group = 0; group < groups; group++) {
      reservation.bases[group] = memory[group].allocate(reservation.order);
    }
    var from = reservation.copyFrom;
    if (from != null) {
      for (int group = 0; group < groups; group++) {
        for (int i = 0; i < Math.ceilDiv(storedTokens, blockSize); i++) {
          int source = copies.origin(group, from.bases[group] + i);
          copies.add(group, source, reservation.bases[group] + i);
        }
      }
      draining.add(from);
      reservation.copyFrom = null;
    }
    return true;
  }

  private boolean fits(int order) {
    for (var buddies : memory) {
      if (!buddies.has(order)) {
        return false;
      }
    }
    return true;
  }

  /** Lets go of the runs that copies read, once these are part of a step. */
  private void settle() {
    if (copies.size() == 0) {
      draining.forEach(this::letGo);
      draining.clear();
    }
  }

  private void letGo(Reservation reservation) {
    if (--reservation.holders == 0 && reservation.placed) {
      for (int group = 0; group < groups; group++) {
        memory[group].free(reservation.bases[group]);
      }
    }
  }

  @Override
  public int reservable(SequenceBlocks s, int computed, int wanted) {
    settle();
    var reservation = reservation(s);
    if (!reservation.placed && !fits(reservation.order)) {
      refused = true;
      return 0;
    }
    return Math.clamp((long) reservation.tokens - computed, 0, wanted);
  }

  @Override
  public void commit(SequenceBlocks s, int[] tokens, int computed) {
    var _ = reservation(s);
    s.computed = computed;
  }

  @Override
  public SequenceBlocks fork(SequenceBlocks s, int computed) {
    var parent = reservation(s);
    var own = new Reservation(parent.hint, parent.tokens, parent.order, groups);
    // A fork of a fork that has no memory yet copies from where that one would.
    var from = parent.placed ? parent : parent.copyFrom;
    if (from != null && computed > 0) {
      own.copyFrom = from;
      from.holders++;
    }
    var child = add(s.cacheSalt, own);
    child.computed = computed;
    return child;
  }

  @Override
  public void free(SequenceBlocks s) {
    var reservation = reservation(s);
    for (int group = 0; group < groups && reservation.placed; group++) {
      for (int i = 0; i < reservation.blocks(); i++) {
        var _ = copies.size() > 0 ? copies.cancel(group, reservation.bases[group] + i) : 0;
      }
    }
    if (reservation.copyFrom != null) {
      letGo(reservation.copyFrom);
    }
    letGo(reservation);
    s.state = SequenceBlocks.State.FREED;
    var last = live.removeLast();
    if (last != s) {
      live.set(s.liveIndex, last);
      last.liveIndex = s.liveIndex;
    }
  }

  @Override
  public BlockCopies copies() {
    return copies;
  }

  @Override
  public boolean swapOut(List<SequenceBlocks> sequences) {
    return false;
  }

  @Override
  public boolean swapIn(List<SequenceBlocks> sequences) {
    return false;
  }

  @Override
  public BlockCopies swapOuts() {
    return noSwapOuts;
  }

  @Override
  public BlockCopies swapIns() {
    return noSwapIns;
  }

  /** Whether a run is free for a sequence; a policy that needs its lengths is asked by sequence. */
  @Override
  public boolean canAdmit(int tokens) {
    settle();
    return admits(policy == ReservationPolicy.MAX ? maxOrder() : orderFor(tokens));
  }

  @Override
  public boolean canAdmit(SequenceBlocks s, int tokens) {
    settle();
    var reservation = reservation(s);
    return reservation.placed || admits(reservation.order);
  }

  private boolean admits(int order) {
    boolean fits = fits(order);
    refused |= !fits;
    return fits;
  }

  @Override
  public boolean canEverFit(int tokens) {
    int order = policy == ReservationPolicy.MAX ? maxOrder() : orderFor(tokens);
    return tokens <= maxTokens && everFits(order);
  }

  @Override
  public boolean canEverFit(SequenceBlocks s, int tokens) {
    var reservation = reservation(s);
    return tokens <= reservation.tokens && everFits(reservation.order);
  }

  /** Each sequence's memory is its own: nothing is shared. */
  @Override
  public boolean canEverFit(int sharedTokens, int tokens, int sequences) {
    int order = policy == ReservationPolicy.MAX ? maxOrder() : orderFor(tokens);
    for (var buddies : memory) {
      if (((long) sequences << order) > buddies.size()) {
        return false;
      }
    }
    return tokens <= maxTokens;
  }

  @Override
  public int smallestPool() {
    int smallest = Integer.MAX_VALUE;
    for (var buddies : memory) {
      smallest = Math.min(smallest, buddies.size());
    }
    return smallest;
  }

  private boolean everFits(int order) {
    for (var buddies : memory) {
      if (1L << order > buddies.size()) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int freeBlocks(int group) {
    settle();
    return memory[group].freeBlocks();
  }

  @Override
  public KvUsage usage() {
    return usage(0, groups);
  }

  @Override
  public KvUsage usage(int group) {
    return usage(group, group + 1);
  }

  private KvUsage usage(int firstGroup, int endGroup) {
    settle();
    return audit.usage(firstGroup, endGroup, refused);
  }

  /** Slots of the runs in use that lie beyond what their sequences reserved. */
  public long roundingSlots() {
    return audit.roundingSlots();
  }

  @Override
  public void checkIntegrity() {
    audit.check();
  }
}
