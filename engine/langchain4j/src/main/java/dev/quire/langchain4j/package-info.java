@NullMarked
package dev.quire.langchain4j;

import org.jspecify.annotations.NullMarked;
