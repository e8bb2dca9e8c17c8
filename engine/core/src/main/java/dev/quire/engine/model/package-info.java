/**
 * Decoder architectures as data: what a model's layers consist of ({@link
 * dev.quire.engine.model.DecoderSpec}), read from GGUF metadata or a Hugging Face {@code
 * config.json}, and the tensors bound to their roles.
 */
@NullMarked
package dev.quire.engine.model;

import org.jspecify.annotations.NullMarked;
