/** Chat templates: conversations to the text that a model was trained to continue. */
@NullMarked
package dev.quire.tokenizer.chat;

import org.jspecify.annotations.NullMarked;
