/**
 * Text to token ids and back: {@link dev.quire.tokenizer.Tokenizer} and what builds one from a GGUF
 * file's metadata or a Hugging Face folder.
 *
 * <p>Every tokenizer is the same pipeline, put together from small parts: added tokens are cut out
 * of the text, the rest is normalised ({@code normalize}), cut into pieces ({@code split}) and each
 * piece is encoded by the model ({@code model}: byte-pair merges, unigram, word pieces).
 */
@NullMarked
package dev.quire.tokenizer;

import org.jspecify.annotations.NullMarked;
