package dev.quire.tokenizer.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Items that can be iterated but are no list, under the name that Python gives their type. */
record Generated(String type, List<@Nullable Object> items) {}
