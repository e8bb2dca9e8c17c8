/** Subword models: a piece of text to token ids. */
@NullMarked
package dev.quire.tokenizer.model;

import org.jspecify.annotations.NullMarked;
