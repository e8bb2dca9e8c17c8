package dev.quire.engine.constrain;

import dev.quire.engine.constrain.Configuration.Frame;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Steps through an automaton byte by byte and keeps what it found. A configuration follows from
 * another by a byte; a table of those already seen makes a deterministic automaton of the part that
 * texts really visit. Used under its own lock, so that a mask may be computed beside a running
 * step.
 */
final class ConstraintMachine {
  private static final int MOST_CONFIGURATIONS = 20_000;

  private final Automaton automaton;
  private final ByteClasses classes;
  private final int[] representative;
  private final MaskFinder masks;
  private final Map<Configuration.Key, Configuration> known = new HashMap<>();
  private final Map<Long, Frame> frames = new HashMap<>();
  private final Configuration start;
  private final Configuration dead;
  private int frameIds = 1;

  ConstraintMachine(Automaton automaton, TokenTrie trie) {
    this.automaton = automaton;
    this.classes = new ByteClasses(automaton);
    this.representative = new int[classes.count()];
    for (int b = 255; b >= 0; b--) {
      representative[classes.of(b)] = b;
    }
    this.dead = new Configuration(new int[0], new Frame[0], false, classes.count());
    Arrays.fill(dead.next, dead);
    this.masks = new MaskFinder(this, trie);
    this.start = at(automaton.start(), null);
  }

  Configuration start() {
    return start;
  }

  Configuration dead() {
    return dead;
  }

  ByteClasses classes() {
    return classes;
  }

  Automaton automaton() {
    return automaton;
  }

  /** The configuration after some bytes; {@link #dead()} where they do not fit. */
  synchronized Configuration after(Configuration from, byte[] bytes) {
    Configuration at = from;
    for (int i = 0; i < bytes.length && at != dead; i++) {
      at = step(at, classes.of(bytes[i] & 0xFF));
    }
    return at;
  }

  /** The tokens that may follow, as a mask over the vocabulary; not to be changed. */
  long[] mask(Configuration at) {
    long[] ready = at.mask;
    if (ready != null) {
      return ready;
    }
    synchronized (this) {
      ready = at.mask;
      if (ready == null) {
        ready = masks.of(at);
        at.mask = ready;
      }
      return ready;
    }
  }

  /** Finds masks ahead of their use, as far as the time allows. */
  void prepare(long nanos) {
    long until = System.nanoTime() + nanos;
    mask(start);
    for (int state = 0; state < automaton.states() && System.nanoTime() < until; state++) {
      if (automaton.hasByteEdges(state)) {
        synchronized (this) {
          masks.local(state);
        }
      }
    }
  }

  /** Called under the lock. */
  Configuration step(Configuration from, int byteClass) {
    Configuration next = from.next[byteClass];
    if (next == null) {
      next = compute(from, representative[byteClass]);
      from.next[byteClass] = next;
    }
    return next;
  }

  /** The configuration of one state over a stack, with all that it reaches without reading. */
  Configuration at(int state, @Nullable Frame stack) {
    Closure closure = new Closure();
    closure.visit(state, stack);
    return closure.finish();
  }

  /** The configuration of one state over the bottom, not followed further. */
  Configuration only(int state) {
    return intern(new int[] {state}, new Frame[] {null}, 1, false);
  }

  private Configuration compute(Configuration from, int value) {
    Closure closure = new Closure();
    for (int i = 0; i < from.states.length; i++) {
      int state = from.states[i];
      int end = automaton.firstByteEdge()[state + 1];
      for (int e = automaton.firstByteEdge()[state]; e < end; e++) {
        long edge = automaton.byteEdges()[e];
        if (value >= Automaton.low(edge) && value <= Automaton.high(edge)) {
          closure.visit(Automaton.target(edge), from.stacks[i]);
        }
      }
    }
    return closure.finish();
  }

  private Frame push(int returnTo, @Nullable Frame below) {
    long key = (long) returnTo << 32 | (below == null ? 0 : below.id());
    return frames.computeIfAbsent(key, _ -> new Frame(returnTo, below, frameIds++));
  }

  private Configuration intern(
      int[] states, @Nullable Frame[] stacks, int count, boolean accepting) {
    if (count == 0 && !accepting) {
      return dead;
    }
    long[] pairs = new long[count];
    for (int i = 0; i < count; i++) {
      Frame stack = stacks[i];
      pairs[i] = (long) states[i] << 32 | (stack == null ? 0 : stack.id());
    }
    Arrays.sort(pairs);
    var key = new Configuration.Key(pairs, accepting);
    Configuration same = known.get(key);
    if (same != null) {
      return same;
    }
    if (known.size() >= MOST_CONFIGURATIONS) {
      // Those in use live on; what they find from here on is kept anew.
      known.clear();
      frames.clear();
      masks.forget();
    }
    Configuration fresh =
        new Configuration(
            Arrays.copyOf(states, count), Arrays.copyOf(stacks, count), accepting, classes.count());
    known.put(key, fresh);
    return fresh;
  }

  /** What is reached without reading a byte. */
  private final class Closure {
    private final Set<Long> seen = new HashSet<>();
    private int[] states = new int[8];
    private @Nullable Frame[] stacks = new Frame[8];
    private int count;
    private boolean accepting;

    void visit(int firstState, @Nullable Frame firstStack) {
      List<Integer> pendingStates = new ArrayList<>();
      List<@Nullable Frame> pendingStacks = new ArrayList<>();
      pendingStates.add(firstState);
      pendingStacks.add(firstStack);
      while (!pendingStates.isEmpty()) {
        int state = pendingStates.removeLast();
        Frame stack = pendingStacks.removeLast();
        if (!seen.add((long) state << 32 | (stack == null ? 0 : stack.id()))) {
          continue;
        }
        if (automaton.ends(state)) {
          if (stack == null) {
            accepting = true;
          } else {
            pendingStates.add(stack.returnTo());
            pendingStacks.add(stack.below());
          }
          continue;
        }
        if (automaton.hasByteEdges(state)) {
          keep(state, stack);
        }
        for (int e = automaton.firstEmptyEdge()[state];
            e < automaton.firstEmptyEdge()[state + 1];
            e++) {
          pendingStates.add(automaton.emptyEdges()[e]);
          pendingStacks.add(stack);
        }
        for (int c = automaton.firstCall()[state]; c < automaton.firstCall()[state + 1]; c++) {
          long call = automaton.calls()[c];
          int returnTo = Automaton.returnTo(call);
          pendingStates.add(automaton.ruleStart()[Automaton.calledRule(call)]);
          // A call at the end of its rule needs no way back, so that lists do not pile up frames.
          pendingStacks.add(automaton.ends(returnTo) ? stack : push(returnTo, stack));
        }
      }
    }

    private void keep(int state, @Nullable Frame stack) {
      if (count == states.length) {
        states = Arrays.copyOf(states, count * 2);
        stacks = Arrays.copyOf(stacks, count * 2);
      }
      states[count] = state;
      stacks[count++] = stack;
    }

    Configuration finish() {
      return intern(states, stacks, count, accepting);
    }
  }

  /** A map that forgets what was least recently used. */
  static <K, V> Map<K, V> bounded(int size) {
    return new LinkedHashMap<>(64, 0.75f, true) {
      @Override
      protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return size() > size;
      }
    };
  }
}
