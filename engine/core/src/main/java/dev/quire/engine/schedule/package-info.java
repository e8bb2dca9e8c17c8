/**
 * Decides what each step computes: which sequences, how many tokens of each, under a token budget
 * and a block pool. Knows nothing of models, text or threads.
 */
@NullMarked
package dev.quire.engine.schedule;

import org.jspecify.annotations.NullMarked;
