/**
 * Building blocks that know text and bytes, not tokenizers: byte-keyed tables, character classes,
 * growable id lists.
 */
@NullMarked
package dev.quire.tokenizer.text;

import org.jspecify.annotations.NullMarked;
