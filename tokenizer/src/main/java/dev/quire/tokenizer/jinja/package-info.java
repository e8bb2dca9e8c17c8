/**
 * A small interpreter of Jinja templates, for the chat templates that models carry.
 *
 * <p>Why not a library: the templates are written for Python's Jinja 2 with Python's values. They
 * call string and dictionary methods, slice, print values as Python does, write JSON as Python's
 * {@code json.dumps} does, and rely on {@code trim_blocks}, {@code lstrip_blocks}, loop controls,
 * namespaces and the exact white space that comes of them. The Jinja libraries for the JVM have
 * another expression language underneath, so nearly every one of these would have to be replaced.
 * Also, a template is a stranger's program: here every loop, call and output is bounded.
 *
 * <p>{@code Lexer} makes tokens, {@code Parser} a tree of {@code Node}s, {@code Interpreter} walks
 * it. Values are Java's: null, Boolean, Long, Double, String, List, Map, and {@code Undefined}.
 */
@NullMarked
package dev.quire.tokenizer.jinja;

import org.jspecify.annotations.NullMarked;
