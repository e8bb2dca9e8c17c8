package dev.quire.engine.constrain;

/**
 * A recursive transition network over bytes: an automaton a rule, joined by calls. All states lie
 * in one numbering; edges of state {@code s} are those from {@code first[s]} to {@code first[s +
 * 1]}.
 *
 * @param start the first state of the root rule
 * @param rule the rule of each state
 * @param ruleNames names of the rules
 * @param ruleStart the first state of each rule
 * @param ruleEnd the last state of each rule, which has no edges
 * @param firstByteEdge by state
 * @param byteEdges low byte, high byte and target of each edge, packed into 8, 8 and 32 bits
 * @param firstEmptyEdge by state
 * @param emptyEdges targets
 * @param firstCall by state
 * @param calls rule and state to return to, 32 bits each
 */
record Automaton(
    int start,
    int[] rule,
    String[] ruleNames,
    int[] ruleStart,
    int[] ruleEnd,
    int[] firstByteEdge,
    long[] byteEdges,
    int[] firstEmptyEdge,
    int[] emptyEdges,
    int[] firstCall,
    long[] calls) {

  int states() {
    return rule.length;
  }

  static long byteEdge(int low, int high, int target) {
    return (long) low << 40 | (long) high << 32 | target;
  }

  static int low(long edge) {
    return (int) (edge >>> 40);
  }

  static int high(long edge) {
    return (int) (edge >>> 32) & 0xFF;
  }

  static int target(long edge) {
    return (int) edge;
  }

  static long call(int rule, int returnTo) {
    return (long) rule << 32 | returnTo;
  }

  static int calledRule(long call) {
    return (int) (call >>> 32);
  }

  static int returnTo(long call) {
    return (int) call;
  }

  boolean hasByteEdges(int state) {
    return firstByteEdge[state + 1] > firstByteEdge[state];
  }

  /** Whether a state is the end of its rule. */
  boolean ends(int state) {
    return ruleEnd[rule[state]] == state;
  }
}
