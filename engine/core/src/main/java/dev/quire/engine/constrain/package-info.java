/**
 * Constrained decoding: a grammar over bytes, compiled into an automaton with a stack, says after
 * each token which tokens of the vocabulary may follow.
 *
 * <pre>
 *   JSON Schema, regular expression, choice, GBNF ──► {@link Grammar} (rules of {@link Expression}s)
 *        ──► {@link Automaton} (states, byte edges, calls) ──► {@link ConstraintMachine} (masks)
 * </pre>
 */
@NullMarked
package dev.quire.engine.constrain;

import org.jspecify.annotations.NullMarked;
