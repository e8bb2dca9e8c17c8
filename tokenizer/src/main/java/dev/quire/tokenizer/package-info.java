@NullMarked
package dev.quire.tokenizer;

import org.jspecify.annotations.NullMarked;
