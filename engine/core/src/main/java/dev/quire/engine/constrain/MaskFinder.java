package dev.quire.engine.constrain;

import dev.quire.engine.constrain.Configuration.Frame;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds which tokens may follow a configuration: walks the vocabulary's trie, but once for each
 * state rather than for each stack that the state may lie on.
 *
 * <pre>
 *   state ──walk──► tokens that stay inside the rule, and the nodes of the trie where the rule ends
 *                                                        │
 *   return address (top of the stack) ──walk below these─┘──► more tokens, and nodes; and so on down
 * </pre>
 *
 * What a state allows within its rule, and what the rule around it adds, is the same for every
 * stack, so both are kept. Owned by its machine, under its lock.
 */
final class MaskFinder {
  private static final long MASK_MEMORY = 48L << 20;

  private final ConstraintMachine machine;
  private final TokenTrie trie;
  private final Map<Integer, Reach> locals;
  private final Map<Long, Reach> returns;
  private Configuration[] path = new Configuration[64];

  /** Tokens that a walk allows, and the nodes at which it came to the end of its rule. */
  record Reach(long[] mask, int[] ends) {}

  MaskFinder(ConstraintMachine machine, TokenTrie trie) {
    this.machine = machine;
    this.trie = trie;
    int entries = Math.clamp(MASK_MEMORY / (8L * trie.maskLength() + 64), 256, 1 << 18);
    this.locals = ConstraintMachine.bounded(entries / 2);
    this.returns = ConstraintMachine.bounded(entries / 2);
  }

  void forget() {
    locals.clear();
    returns.clear();
  }

  long[] of(Configuration at) {
    long[] mask = new long[trie.maskLength()];
    for (int i = 0; i < at.states.length; i++) {
      int state = at.states[i];
      Reach reach = local(state);
      add(mask, reach.mask());
      Frame stack = at.stacks[i];
      if (stack != null && reach.ends().length > 0) {
        reach = around(state, reach, stack.returnTo());
        add(mask, reach.mask());
        for (Frame f = stack.below(); f != null && reach.ends().length > 0; f = f.below()) {
          reach = below(reach.ends(), f.returnTo());
          add(mask, reach.mask());
        }
      }
    }
    return mask;
  }

  private static void add(long[] mask, long[] other) {
    for (int i = 0; i < mask.length; i++) {
      mask[i] |= other[i];
    }
  }

  /** What a state allows inside its rule; called under the machine's lock. */
  Reach local(int state) {
    Reach known = locals.get(state);
    if (known == null) {
      Walk walk = new Walk();
      Configuration only = machine.only(state);
      if (!walk.plainAtOnce(only)) {
        walk.below(trie.plainRoot(), only);
      }
      walk.below(trie.otherRoot(), only);
      known = walk.reach();
      locals.put(state, known);
    }
    return known;
  }

  private Reach around(int state, Reach inner, int returnTo) {
    long key = (long) state << 32 | returnTo;
    Reach known = returns.get(key);
    if (known == null) {
      known = below(inner.ends(), returnTo);
      returns.put(key, known);
    }
    return known;
  }

  private Reach below(int[] nodes, int returnTo) {
    Walk walk = new Walk();
    Configuration from = machine.at(returnTo, null);
    for (int node : nodes) {
      if (from.accepting) {
        walk.end(node);
      }
      walk.below(node, from);
    }
    return walk.reach();
  }

  /** One pass over parts of the trie. */
  private final class Walk {
    private final long[] mask = new long[trie.maskLength()];
    private int[] ends = new int[16];
    private int endCount;

    void end(int node) {
      if (trie.end(node) > node + 1) {
        if (endCount == ends.length) {
          ends = Arrays.copyOf(ends, endCount * 2);
        }
        ends[endCount++] = node;
      }
    }

    /** Follows every token below a node; the node itself has been read. */
    void below(int node, Configuration from) {
      int top = trie.depth(node);
      put(top, from);
      Configuration dead = machine.dead();
      ByteClasses classes = machine.classes();
      int last = trie.end(node);
      for (int i = node + 1; i < last; ) {
        int depth = trie.depth(i);
        Configuration next = machine.step(path[depth - 1], classes.of(trie.label(i)));
        if (next == dead) {
          i = trie.end(i);
          continue;
        }
        trie.addTokens(i, mask);
        if (next.accepting) {
          end(i);
        }
        if (next.states.length == 0) {
          i = trie.end(i);
          continue;
        }
        put(depth, next);
        i++;
      }
    }

    private void put(int depth, Configuration configuration) {
      if (depth >= path.length) {
        path = Arrays.copyOf(path, Math.max(depth + 1, path.length * 2));
      }
      path[depth] = configuration;
    }

    /** Whether every plain character does the same, in which case all plain tokens are added. */
    boolean plainAtOnce(Configuration from) {
      Configuration at = from;
      int length = 0;
      while (length < trie.longestPlain()) {
        Configuration next = afterAnyPlain(at);
        if (next == null || next.accepting) {
          return false;
        }
        if (next == machine.dead()) {
          break;
        }
        length = next == at ? trie.longestPlain() : length + 1;
        at = next;
      }
      trie.addPlain(length, mask);
      return true;
    }

    private @Nullable Configuration afterAnyPlain(Configuration at) {
      ByteClasses classes = machine.classes();
      Configuration same = null;
      int lastClass = -1;
      for (int b = 0x20; b < 0x7F; b++) {
        if (TokenTrie.isPlain(b) && classes.of(b) != lastClass) {
          lastClass = classes.of(b);
          Configuration next = machine.step(at, lastClass);
          if (same != null && next != same) {
            return null;
          }
          same = next;
        }
      }
      return same;
    }

    Reach reach() {
      return new Reach(mask, Arrays.copyOf(ends, endCount));
    }
  }
}
