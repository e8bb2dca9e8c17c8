/**
 * Conversations: how a model wants one written, and what its answer holds beside text (thoughts,
 * calls of functions).
 */
@NullMarked
package dev.quire.engine.chat;

import org.jspecify.annotations.NullMarked;
