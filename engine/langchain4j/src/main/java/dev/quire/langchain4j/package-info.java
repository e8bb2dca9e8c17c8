/**
 * LangChain4j's models over an engine in the same JVM: no server and no HTTP between the
 * application and its model.
 */
@NullMarked
package dev.quire.langchain4j;

import org.jspecify.annotations.NullMarked;
