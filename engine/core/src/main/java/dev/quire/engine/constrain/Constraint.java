package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import dev.quire.tokenizer.Tokenizer;

/**
 * A constraint compiled for one vocabulary. Immutable to its users and shared by requests; made by
 * {@link dev.quire.engine.Engine#constraint}.
 */
public final class Constraint {
  private static final long PREPARATION_NANOS = 50_000_000;

  private final ConstraintMachine machine;
  private final Tokenizer tokenizer;

  private Constraint(ConstraintMachine machine, Tokenizer tokenizer) {
    this.machine = machine;
    this.tokenizer = tokenizer;
  }

  /**
   * Compiles; takes milliseconds, and for the largest that is taken a second or two.
   *
   * @throws QuireException if the specification is malformed, uses a feature that is not supported,
   *     which the message names, or is too large
   */
  static Constraint compile(ConstraintSpec spec, Tokenizer tokenizer, TokenTrie trie) {
    Automaton automaton = AutomatonBuilder.build(GrammarFactory.grammar(spec));
    var machine = new ConstraintMachine(automaton, trie);
    machine.prepare(PREPARATION_NANOS);
    return new Constraint(machine, tokenizer);
  }

  /** A new text that is to match. */
  public Cursor cursor() {
    return new Cursor(this);
  }

  /** Whether a whole text matches. */
  public boolean matches(String text) {
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    return machine.after(machine.start(), bytes).accepting;
  }

  /** Whether a text can be completed to one that matches. */
  public boolean matchesPrefix(String text) {
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    return !machine.after(machine.start(), bytes).dead();
  }

  /** Where one text stands. Owned by one thread, except that {@link #prepare} works beside it. */
  public static final class Cursor {
    private final Constraint constraint;
    private Configuration at;
    private int taken;

    private Cursor(Constraint constraint) {
      this.constraint = constraint;
      this.at = constraint.machine.start();
    }

    /**
     * Follows the tokens that came since the last call; starts over where there are fewer now.
     *
     * @param tokens holds the text's tokens from {@code first} to {@code length}
     */
    public void follow(int[] tokens, int first, int length) {
      if (length - first < taken) {
        taken = 0;
        at = constraint.machine.start();
      }
      for (; taken < length - first; taken++) {
        int token = tokens[first + taken];
        if (!constraint.tokenizer.isSpecial(token)) {
          at = constraint.machine.after(at, constraint.tokenizer.tokenBytes(token));
        }
      }
    }

    /** Whether the text so far matches or can be completed to one that does. */
    public boolean alive() {
      return !at.dead();
    }

    /** Whether the text so far matches as a whole. */
    public boolean mayEnd() {
      return at.accepting;
    }

    /** Whether the text matches and nothing can follow. */
    public boolean complete() {
      return at.accepting && at.states.length == 0;
    }

    /** The tokens that may follow, a bit each; not to be changed. */
    public long[] mask() {
      return constraint.machine.mask(at);
    }

    /** Has the next mask found while something else goes on. */
    public void prepare() {
      Configuration wanted = at;
      if (wanted.mask == null) {
        Thread.ofVirtual().name("quire-mask").start(() -> constraint.machine.mask(wanted));
      }
    }
  }
}
