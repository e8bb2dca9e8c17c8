package dev.quire.engine.constrain;

import dev.quire.tokenizer.Tokenizer;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Compiles constraints for one vocabulary and keeps the latest ones. Safe for many threads. */
public final class ConstraintCompiler {
  private static final int KEPT = 32;

  private final Tokenizer tokenizer;
  private final int vocabulary;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<ConstraintSpec, Constraint> kept = ConstraintMachine.bounded(KEPT);
  private @Nullable TokenTrie trie;

  /**
   * @param vocabulary tokens that the sampler may choose, from 0 on
   */
  public ConstraintCompiler(Tokenizer tokenizer, int vocabulary) {
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
  }

  /**
   * The compiled constraint, on the calling thread unless it is known.
   *
   * @throws dev.quire.engine.QuireException if the specification is malformed, too large, or uses a
   *     feature that is not supported, which the message names
   */
  public Constraint compile(ConstraintSpec spec) {
    TokenTrie tokens;
    lock.lock();
    try {
      Constraint known = kept.get(spec);
      if (known != null) {
        return known;
      }
      if (trie == null) {
        trie = new TokenTrie(tokenizer, vocabulary);
      }
      tokens = trie;
    } finally {
      lock.unlock();
    }
    Constraint compiled = Constraint.compile(spec, tokenizer, tokens);
    lock.lock();
    try {
      kept.put(spec, compiled);
    } finally {
      lock.unlock();
    }
    return compiled;
  }
}
