/** Pre-tokenizers: they cut text into the pieces that a model encodes one by one. */
@NullMarked
package dev.quire.tokenizer.split;

import org.jspecify.annotations.NullMarked;
