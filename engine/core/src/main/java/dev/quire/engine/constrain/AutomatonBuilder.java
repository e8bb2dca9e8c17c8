package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes an automaton of a grammar: Thompson's construction for each rule, references become calls.
 * What cannot lead to the end of its rule is left out, so that every prefix that the automaton
 * takes can be completed.
 */
final class AutomatonBuilder {
  private static final int MOST_STATES = 400_000;

  private final Map<String, Integer> ruleNumbers = new HashMap<>();
  private final List<String> names = new ArrayList<>();
  private final List<Expression> bodies = new ArrayList<>();
  private final List<Integer> rule = new ArrayList<>();
  private final List<List<Long>> byteEdges = new ArrayList<>();
  private final List<List<Integer>> emptyEdges = new ArrayList<>();
  private final List<List<Long>> calls = new ArrayList<>();
  private int currentRule;

  private AutomatonBuilder() {}

  /**
   * @throws QuireException if the grammar matches nothing, refers to a rule that it lacks, recurs
   *     without reading anything first, or is too large
   */
  static Automaton build(Grammar grammar) {
    return new AutomatonBuilder().of(grammar);
  }

  private Automaton of(Grammar grammar) {
    number(grammar, grammar.root());
    int rules = 0;
    int[] starts = new int[16];
    int[] ends = new int[16];
    // Rules are numbered as they are met; building one may meet more.
    while (rules < bodies.size()) {
      if (rules == starts.length) {
        starts = Arrays.copyOf(starts, rules * 2);
        ends = Arrays.copyOf(ends, rules * 2);
      }
      currentRule = rules;
      starts[rules] = state();
      ends[rules] = state();
      connect(grammar, bodies.get(rules), starts[rules], ends[rules]);
      rules++;
    }
    starts = Arrays.copyOf(starts, rules);
    ends = Arrays.copyOf(ends, rules);
    BitSet useful = prune(starts, ends);
    if (!useful.get(starts[0])) {
      throw QuireException.invalid("the constraint matches no text at all");
    }
    refuseLeftRecursion(starts, ends);
    return pack(starts, ends);
  }

  private int number(Grammar grammar, String name) {
    Integer known = ruleNumbers.get(name);
    if (known != null) {
      return known;
    }
    Expression body = grammar.rules().get(name);
    if (body == null) {
      throw QuireException.invalid("the grammar has no rule named " + name);
    }
    int number = bodies.size();
    ruleNumbers.put(name, number);
    names.add(name);
    bodies.add(body);
    return number;
  }

  private int state() {
    if (rule.size() >= MOST_STATES) {
      throw QuireException.invalid(
          "the constraint is too large: more than %d states; lower its repetition bounds"
              .formatted(MOST_STATES));
    }
    rule.add(currentRule);
    byteEdges.add(new ArrayList<>(1));
    emptyEdges.add(new ArrayList<>(1));
    calls.add(new ArrayList<>(0));
    return rule.size() - 1;
  }

  private void connect(Grammar grammar, Expression expression, int from, int to) {
    switch (expression) {
      case Expression.Literal(List<Byte> bytes) -> literal(bytes, from, to);
      case Expression.Symbol(CodePoints set) -> {
        for (int[] sequence : Utf8Ranges.of(set)) {
          int at = from;
          for (int i = 0; i < sequence.length; i += 2) {
            int next = i + 2 == sequence.length ? to : state();
            byteEdges.get(at).add(Automaton.byteEdge(sequence[i], sequence[i + 1], next));
            at = next;
          }
        }
      }
      case Expression.Sequence(List<Expression> parts) -> {
        int at = from;
        for (int i = 0; i < parts.size(); i++) {
          int next = i + 1 == parts.size() ? to : state();
          connect(grammar, parts.get(i), at, next);
          at = next;
        }
        if (parts.isEmpty()) {
          emptyEdges.get(from).add(to);
        }
      }
      case Expression.Choice(List<Expression> alternatives) -> {
        for (Expression alternative : alternatives) {
          connect(grammar, alternative, from, to);
        }
      }
      case Expression.Repeat repeat -> repeat(grammar, repeat, from, to);
      case Expression.Reference(String name) ->
          calls.get(from).add(Automaton.call(number(grammar, name), to));
    }
  }

  private void literal(List<Byte> bytes, int from, int to) {
    if (bytes.isEmpty()) {
      emptyEdges.get(from).add(to);
    }
    int at = from;
    for (int i = 0; i < bytes.size(); i++) {
      int next = i + 1 == bytes.size() ? to : state();
      int value = bytes.get(i) & 0xFF;
      byteEdges.get(at).add(Automaton.byteEdge(value, value, next));
      at = next;
    }
  }

  private void repeat(Grammar grammar, Expression.Repeat repeat, int from, int to) {
    int at = from;
    for (int i = 0; i < repeat.least(); i++) {
      int next = state();
      connect(grammar, repeat.body(), at, next);
      at = next;
    }
    if (repeat.most() == Expression.UNBOUNDED) {
      int loop = state();
      emptyEdges.get(at).add(loop);
      connect(grammar, repeat.body(), loop, loop);
      emptyEdges.get(loop).add(to);
      return;
    }
    for (int i = repeat.least(); i < repeat.most(); i++) {
      emptyEdges.get(at).add(to);
      int next = state();
      connect(grammar, repeat.body(), at, next);
      at = next;
    }
    emptyEdges.get(at).add(to);
  }

  /** Removes edges into states that never reach the end of their rule; gives those that do. */
  private BitSet prune(int[] starts, int[] ends) {
    int n = rule.size();
    List<List<Integer>> before = new ArrayList<>(n);
    for (int s = 0; s < n; s++) {
      before.add(new ArrayList<>(1));
    }
    List<List<int[]>> callers = new ArrayList<>();
    for (int r = 0; r < starts.length; r++) {
      callers.add(new ArrayList<>());
    }
    for (int s = 0; s < n; s++) {
      for (long edge : byteEdges.get(s)) {
        before.get(Automaton.target(edge)).add(s);
      }
      for (int target : emptyEdges.get(s)) {
        before.get(target).add(s);
      }
      for (long call : calls.get(s)) {
        callers.get(Automaton.calledRule(call)).add(new int[] {s, Automaton.returnTo(call)});
      }
    }
    List<List<Integer>> waitingCallers = new ArrayList<>(n); // callers whose return was reached
    for (int s = 0; s < n; s++) {
      waitingCallers.add(new ArrayList<>(0));
    }
    for (int r = 0; r < starts.length; r++) {
      for (int[] caller : callers.get(r)) {
        waitingCallers.get(caller[1]).add(r);
      }
    }
    BitSet useful = new BitSet(n);
    Deque<Integer> queue = new ArrayDeque<>();
    for (int end : ends) {
      useful.set(end);
      queue.add(end);
    }
    while (!queue.isEmpty()) {
      int s = queue.poll();
      for (int previous : before.get(s)) {
        mark(useful, queue, previous);
      }
      int own = rule.get(s);
      if (starts[own] == s) {
        for (int[] caller : callers.get(own)) {
          if (useful.get(caller[1])) {
            mark(useful, queue, caller[0]);
          }
        }
      }
      for (int called : waitingCallers.get(s)) {
        if (useful.get(starts[called])) {
          for (int[] caller : callers.get(called)) {
            if (caller[1] == s) {
              mark(useful, queue, caller[0]);
            }
          }
        }
      }
    }
    for (int s = 0; s < n; s++) {
      byteEdges.get(s).removeIf(edge -> !useful.get(Automaton.target(edge)));
      emptyEdges.get(s).removeIf(target -> !useful.get(target));
      calls
          .get(s)
          .removeIf(
              call ->
                  !useful.get(Automaton.returnTo(call))
                      || !useful.get(starts[Automaton.calledRule(call)]));
    }
    return useful;
  }

  private static void mark(BitSet useful, Deque<Integer> queue, int state) {
    if (!useful.get(state)) {
      useful.set(state);
      queue.add(state);
    }
  }

  /** A rule that calls itself before it has read a byte would never come to an end. */
  private void refuseLeftRecursion(int[] starts, int[] ends) {
    boolean[] nullable = new boolean[starts.length];
    boolean changed = true;
    List<BitSet> reached = new ArrayList<>();
    while (changed) {
      changed = false;
      reached.clear();
      for (int r = 0; r < starts.length; r++) {
        BitSet silently = withoutReading(starts[r], nullable);
        reached.add(silently);
        if (!nullable[r] && silently.get(ends[r])) {
          nullable[r] = true;
          changed = true;
        }
      }
    }
    int[] mark = new int[starts.length]; // 0 new, 1 on the path, 2 done
    for (int r = 0; r < starts.length; r++) {
      descend(r, reached, mark);
    }
  }

  private void descend(int r, List<BitSet> reached, int[] mark) {
    if (mark[r] == 1) {
      throw QuireException.invalid(
          "rule " + names.get(r) + " is left-recursive: it begins with itself; turn it round");
    }
    if (mark[r] == 2) {
      return;
    }
    mark[r] = 1;
    for (int s = reached.get(r).nextSetBit(0); s >= 0; s = reached.get(r).nextSetBit(s + 1)) {
      for (long call : calls.get(s)) {
        descend(Automaton.calledRule(call), reached, mark);
      }
    }
    mark[r] = 2;
  }

  private BitSet withoutReading(int start, boolean[] nullable) {
    BitSet seen = new BitSet();
    Deque<Integer> queue = new ArrayDeque<>(List.of(start));
    seen.set(start);
    while (!queue.isEmpty()) {
      int s = queue.poll();
      for (int target : emptyEdges.get(s)) {
        mark(seen, queue, target);
      }
      for (long call : calls.get(s)) {
        if (nullable[Automaton.calledRule(call)]) {
          mark(seen, queue, Automaton.returnTo(call));
        }
      }
    }
    return seen;
  }

  private Automaton pack(int[] starts, int[] ends) {
    int n = rule.size();
    return new Automaton(
        starts[0],
        rule.stream().mapToInt(i -> i).toArray(),
        names.toArray(String[]::new),
        starts,
        ends,
        offsets(n, byteEdges),
        byteEdges.stream().flatMap(List::stream).mapToLong(i -> i).toArray(),
        offsets(n, emptyEdges),
        emptyEdges.stream().flatMap(List::stream).mapToInt(i -> i).toArray(),
        offsets(n, calls),
        calls.stream().flatMap(List::stream).mapToLong(i -> i).toArray());
  }

  private static int[] offsets(int n, List<? extends List<?>> lists) {
    int[] first = new int[n + 1];
    for (int s = 0; s < n; s++) {
      first[s + 1] = first[s] + lists.get(s).size();
    }
    return first;
  }
}
