package dev.quire.engine.chat;

import org.jspecify.annotations.Nullable;

/**
 * A part of a call that is still being written.
 *
 * @param index the call, from 0, of its answer
 * @param name the function's name, in a call's first piece, which has no arguments; else null
 * @param arguments what to append to the arguments' JSON
 */
public record ToolCallPiece(int index, @Nullable String name, String arguments) {}
