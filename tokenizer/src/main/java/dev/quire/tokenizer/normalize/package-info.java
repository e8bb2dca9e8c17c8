/** Normalizers: text to the form that the vocabulary was trained on. */
@NullMarked
package dev.quire.tokenizer.normalize;

import org.jspecify.annotations.NullMarked;
